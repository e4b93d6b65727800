from __future__ import annotations

import re
from unittest.mock import ANY

import pytest

from sionamespace.testing import including, matching
from sionamespace.testing.matching import differences

MESSAGE = {"id": 7, "from": {"name": "Ann", "age": 30}, "tags": ["a", "b"]}


@pytest.mark.parametrize(
    "expected",
    [
        including(id=7),
        including({"id": 7}),
        including({"from": {"name": "Ann"}}, id=7),
        including({"tags": ["a", ANY]}),
        including(tags=including("b")),
        including({"from": matching(dict)}),
        {"id": 7, "from": including(age=30), "tags": ANY},
        including(),
    ],
)
def test_a_value_that_has_the_parts_is_equal(expected):
    assert expected == MESSAGE
    assert differences(expected, MESSAGE, "args") == []


@pytest.mark.parametrize(
    ("expected", "difference"),
    [
        (including(id=8), "args['id']: expected 8, got 7"),
        (including(text="hi"), "args['text']: expected 'hi', but it is not there"),
        (including({"from": {"name": "Bob"}}), "args['from']['name']: expected 'Bob', got 'Ann'"),
        (including(tags=["a"]), "args['tags']: expected 1 of them, got 2"),
        (including(tags=including("c")), "args['tags']: expected 'c' to be in it, got ['a', 'b']"),
        (MESSAGE | {"id": 8}, "args['id']: expected 8, got 7"),
        (MESSAGE | {"text": 1}, "args['text']: expected 1, but it is not there"),
        ({"from": ANY, "tags": ANY}, "args['id']: not expected"),
        (MESSAGE | {"tags": ["a", "c"]}, "args['tags'][1]: expected 'c', got 'b'"),
        ([1], f"args: expected [1], got {MESSAGE!r}"),
    ],
)
def test_a_value_that_lacks_one_is_not_and_the_place_is_named(expected, difference):
    assert expected != MESSAGE
    assert differences(expected, MESSAGE, "args") == [difference]


@pytest.mark.parametrize("expected", [including("Ann"), including("Ann", "Bob")])
def test_lists_and_texts_may_include_too(expected):
    assert expected == ["Ann", "Bob", "Eve"]
    assert expected == "Ann and Bob"
    assert expected != ["Eve"]
    assert expected != 5


def test_an_element_of_a_list_may_be_given_in_part():
    people = [{"name": "Ann", "age": 30}, {"name": "Bob", "age": 40}]
    assert including({"name": "Bob"}) == people
    assert including({"name": "Bob", "age": 30}) != people


def test_a_check_is_a_function_a_type_or_an_expression():
    assert matching(str.isdigit) == "12"
    assert matching(str.isdigit) != "x"
    assert matching(int) == 5
    assert matching(int) != "5"
    assert matching(re.compile("b+")) == "abba"
    assert matching(re.compile("b+")) != "aa"
    assert matching(re.compile("b+")) != 5


def test_they_tell_what_they_are():
    assert repr(including("a", b=1)) == "including('a', {'b': 1})"
    assert repr(matching(int)) == "matching(int)"
    assert "<lambda>" in repr(matching(lambda value: value))


def test_long_values_are_cut():
    (line,) = differences("x", "y" * 1000, "args")
    assert line.endswith("... (1002 characters)")
