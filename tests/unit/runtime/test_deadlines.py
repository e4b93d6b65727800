from __future__ import annotations

import gc
import weakref

import pytest

from sionamespace.runtime.deadlines import Deadlines
from sionamespace.testing.runtime import ManualRuntime


class Counting(ManualRuntime):
    """A runtime that counts the timers that are asked for."""

    timers = 0

    def later(self, seconds, function, *args):
        self.timers += 1
        return super().later(seconds, function, *args)


@pytest.fixture
def runtime():
    return Counting()


@pytest.fixture
def due():
    return []


@pytest.fixture
def deadlines(runtime, due):
    return Deadlines(runtime, 10, due.append)


def test_an_item_falls_due_when_its_time_is_over(runtime, deadlines, due):
    deadlines.add("a")
    runtime.advance(9.9)
    assert due == []
    runtime.advance(0.1)
    assert due == ["a"]
    assert len(deadlines) == 0
    runtime.advance(100)
    assert due == ["a"]


def test_items_fall_due_each_at_its_time(runtime, deadlines, due):
    for name in "abc":
        deadlines.add(name)
        runtime.advance(3)
    runtime.advance(1)
    assert due == ["a"]
    runtime.advance(3)
    assert due == ["a", "b"]
    runtime.advance(3)
    assert due == ["a", "b", "c"]


def test_an_item_that_was_discarded_does_not_fall_due(runtime, deadlines, due):
    deadlines.add("a")
    deadlines.add("b")
    deadlines.discard("a")
    deadlines.discard("never there")
    runtime.advance(20)
    assert due == ["b"]


def test_adding_again_starts_the_time_anew(runtime, deadlines, due):
    deadlines.add("a")
    deadlines.add("b")
    runtime.advance(5)
    deadlines.add("a")
    runtime.advance(5)
    assert due == ["b"]
    runtime.advance(5)
    assert due == ["b", "a"]


def test_one_timer_serves_them_all(runtime, deadlines, due):
    for number in range(1000):
        deadlines.add(number)
    assert runtime.timers == 1
    runtime.advance(10)
    assert due == list(range(1000))
    assert runtime.timers == 1


def test_items_that_come_and_go_cost_no_timers(runtime, deadlines):
    for _ in range(1000):
        deadlines.add("a")
        deadlines.discard("a")
    assert runtime.timers == 1
    runtime.advance(10)
    assert runtime.timers == 1


def test_a_timer_starts_again_after_all_was_quiet(runtime, deadlines, due):
    deadlines.add("a")
    runtime.advance(50)
    deadlines.add("b")
    runtime.advance(10)
    assert due == ["a", "b"]


def test_a_discarded_item_is_not_kept_in_memory(runtime, deadlines):
    class Item:
        pass

    item = Item()
    gone = weakref.ref(item)
    deadlines.add(item)
    deadlines.discard(item)
    del item
    gc.collect()
    assert gone() is None


def test_what_falls_due_may_add_itself_again(runtime):
    times = []

    def again(item):
        times.append(runtime.now())
        deadlines.add(item)

    deadlines = Deadlines(runtime, 10, again)
    deadlines.add("a")
    runtime.advance(35)
    assert times == [10, 20, 30]


def test_what_falls_due_may_discard_another_that_falls_due_with_it(runtime):
    due = []

    def discard_the_other(item):
        due.append(item)
        deadlines.discard("b" if item == "a" else "a")

    deadlines = Deadlines(runtime, 10, discard_the_other)
    deadlines.add("a")
    deadlines.add("b")
    runtime.advance(30)
    assert due == ["a"]


def test_what_falls_due_may_give_another_new_time(runtime):
    due = []

    def renew(item):
        due.append((item, runtime.now()))
        if item == "a":
            deadlines.add("b")

    deadlines = Deadlines(runtime, 10, renew)
    deadlines.add("a")
    deadlines.add("b")
    runtime.advance(30)
    assert due == [("a", 10), ("b", 20)]
