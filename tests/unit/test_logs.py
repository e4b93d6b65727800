"""Logs that clients cannot fill."""

from __future__ import annotations

from sionamespace.logs import NowAndThen


def test_what_happens_all_the_time_is_logged_now_and_then():
    times = iter(range(21))
    complaints = NowAndThen(lambda: next(times))
    assert [n for n in range(21) if complaints.is_time("broken")] == [0, 10, 20]


def test_each_thing_has_its_own_time():
    complaints = NowAndThen(lambda: 1)
    assert [complaints.is_time(thing) for thing in ("a", "b", "a", "b")] == [
        True,
        True,
        False,
        False,
    ]
