from __future__ import annotations

import socket
from contextlib import ExitStack
from functools import partial

import pytest

from sionamespace.runtime import sockets as module
from sionamespace.runtime.sockets import AGAIN, OVER, WAITING, Sockets


class Crowd:
    """Sockets that are watched, each with a peer who has said something."""

    def __init__(self, stack, count):
        self.sockets = Sockets()
        self.read = []
        self.ended = []
        for number in range(count):
            ours, theirs = map(stack.enter_context, socket.socketpair())
            self.sockets.add(
                ours.fileno(), partial(self._take, number, ours), partial(self.ended.append, number)
            )
            theirs.send(b"x")

    def _take(self, number, sock):
        sock.recv(1)
        self.read.append(number)
        return WAITING

    def round(self):
        self.sockets.read(self.sockets.wait(0))


@pytest.fixture(params=["epoll", "another system's"])
def crowd(request, monkeypatch):
    if request.param != "epoll":
        monkeypatch.setattr(module, "epoll", None)
    with ExitStack() as stack:
        yield partial(Crowd, stack)


def test_of_many_each_is_read_once_in_a_few_rounds(crowd):
    many = crowd(100)
    for _ in range(4):
        many.round()
    assert sorted(many.read) == list(range(100))
    many.round()
    assert len(many.read) == 100


def test_in_one_round_are_so_few_that_the_first_need_not_wait_long(crowd):
    many = crowd(100)
    many.round()
    assert 0 < len(many.read) <= 32


def test_one_that_has_more_has_a_turn_in_each_round_without_others_and_no_more(crowd):
    few = crowd(2)
    turns = iter([AGAIN, AGAIN, AGAIN, OVER])
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.send(b"never read")

        def flooded():
            few.read.append("flooded")
            return next(turns)

        few.sockets.add(ours.fileno(), flooded, lambda: few.ended.append("flooded"))
        few.round()
        assert sorted(map(str, few.read)) == ["0", "1", "flooded"]
        assert few.sockets.has_more
        for _ in range(3):
            few.round()
    assert few.read.count("flooded") == 4
    assert few.ended == ["flooded"]
    assert not few.sockets.has_more


def test_others_come_before_one_that_has_more_but_not_for_ever(crowd):
    few = crowd(1)
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.send(b"x")
        few.sockets.add(ours.fileno(), lambda: few.read.append("has more") or AGAIN, list)
        other, others = socket.socketpair()
        with other, others:
            few.sockets.add(other.fileno(), lambda: few.read.append("other") or WAITING, list)
            few.round()
            del few.read[:]
            others.send(b"is never read")
            for _ in range(20):
                few.round()
    assert few.read[:3] == ["other"] * 3
    assert few.read.count("other") == 20
    assert few.read.count("has more") == 5


def test_many_that_have_more_do_not_have_one_wait_for_all_their_turns(crowd):
    few = crowd(0)
    with ExitStack() as stack:
        for _ in range(400):
            ours, theirs = map(stack.enter_context, socket.socketpair())
            theirs.send(b"x")
            few.sockets.add(ours.fileno(), lambda: few.read.append("has more") or AGAIN, list)
        for _ in range(30):
            few.round()
        ours, theirs = map(stack.enter_context, socket.socketpair())
        few.sockets.add(ours.fileno(), lambda: few.read.append("other") or OVER, list)
        del few.read[:]
        theirs.send(b"x")
        for _ in range(100):
            few.round()
    assert few.read.index("other") < 1000


def test_one_that_fails_is_read_no_more_and_the_others_are(crowd, caplog):
    few = crowd(3)
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.send(b"x")
        few.sockets.add(ours.fileno(), lambda: 1 / 0, lambda: few.ended.append("failed"))
        few.round()
        few.round()
    assert sorted(few.read) == [0, 1, 2]
    assert few.ended == ["failed"]
    assert caplog.text.count("ZeroDivisionError: ") == 1


def test_what_follows_an_end_and_fails_keeps_nobody_from_being_read(crowd, caplog):
    few = crowd(1)
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.send(b"x")
        few.sockets.add(ours.fileno(), lambda: OVER, lambda: 1 / 0)
        others = crowd(1)
        few.sockets.add(others.sockets.fileno(), lambda: others.round() or WAITING, lambda: None)
        few.round()
    assert (few.read, others.read) == ([0], [0])
    assert caplog.text.count("ZeroDivisionError: ") == 1


def test_one_that_was_closed_behind_its_back_ends_like_the_others(crowd):
    few = crowd(1)
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.send(b"x")

        def closed():
            ours.close()
            return OVER

        few.sockets.add(ours.fileno(), closed, lambda: few.ended.append("closed"))
        few.round()
    assert (few.read, few.ended) == ([0], ["closed"])


def test_it_can_be_watched_itself(crowd):
    outer, inner = crowd(0), crowd(1)
    heard = []
    outer.sockets.add(
        inner.sockets.fileno(), lambda: heard.append(inner.round()) or WAITING, lambda: None
    )
    outer.round()
    assert (heard, inner.read) == ([None], [0])
