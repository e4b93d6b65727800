"""What a handler's signature can take."""

from __future__ import annotations

import pytest

from sionamespace import PayloadInvalid
from sionamespace.handlers.signature import Arity, where


@pytest.mark.parametrize(
    ("function", "least", "most"),
    [
        (lambda self, sid: 0, 1, 1),
        (lambda self, sid, a, b=1: 0, 2, 3),
        (lambda self, sid, *rest: 0, 1, None),
        (lambda self, sid, *, key=1: 0, 1, 1),
        (lambda self, *rest: 0, 0, None),
    ],
)
def test_the_arity_counts_what_comes_after_self(function, least, most):
    assert Arity.of(function, 1) == Arity(least, most)


def test_a_prefix_is_as_much_as_fits():
    assert Arity(1, 2).prefix((1, 2, 3)) == (1, 2)
    assert Arity(0, None).prefix((1, 2, 3)) == (1, 2, 3)
    assert Arity(0, 0).prefix((1, 2, 3)) == ()


@pytest.mark.parametrize(
    ("arity", "sent", "text"),
    [
        (Arity(1, 1), 1, "got 1 argument, expected 0"),
        (Arity(2, 2), 0, "got 0 arguments, expected 1"),
        (Arity(2, 4), 4, "got 4 arguments, expected 1 to 3"),
        (Arity(3, None), 1, "got 1 argument, expected at least 2"),
    ],
)
def test_what_does_not_fit_is_said_in_the_clients_terms(arity, sent, text):
    with pytest.raises(PayloadInvalid) as caught:
        arity.check(sent, given=1)
    assert str(caught.value) == text


def test_what_fits_passes():
    Arity(2, 3).check(1, given=1)
    Arity(2, 3).check(2, given=1)
    Arity(1, None).check(50, given=1)


def test_a_place_is_a_file_and_a_line():
    assert where(test_a_place_is_a_file_and_a_line).endswith(
        f"test_signature.py:{test_a_place_is_a_file_and_a_line.__code__.co_firstlineno}"
    )
    assert where(len) == repr(len)
