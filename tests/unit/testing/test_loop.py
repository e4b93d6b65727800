from __future__ import annotations

import asyncio
import heapq

import pytest

from sionamespace.testing.loop import StepLoop


class Clock:
    """A clock that calls the loop when the test moves it."""

    def __init__(self):
        self.time = 0.0
        self._timers = []
        self.loop = StepLoop(lambda: self.time, self._later)

    def _later(self, seconds):
        timer = _Timer(self.time + seconds)
        heapq.heappush(self._timers, timer)
        return timer

    @property
    def waiting(self):
        return [timer.when for timer in self._timers if not timer.cancelled]

    def advance(self, seconds):
        self.time += seconds
        self._timers = [timer for timer in self._timers if timer.when > self.time]
        self.loop.step()


class _Timer:
    def __init__(self, when):
        self.when = when
        self.cancelled = False

    def cancel(self):
        self.cancelled = True

    def __lt__(self, other):
        return self.when < other.when


@pytest.fixture
def clock():
    clock = Clock()
    yield clock
    if not clock.loop.is_closed():
        clock.loop.finish()


def test_a_task_runs_as_far_as_it_can_in_one_step(clock):
    steps = []

    async def work():
        for number in range(3):
            steps.append(number)
            await asyncio.sleep(0)

    task = clock.loop.create_task(work())
    assert steps == []
    clock.loop.step()
    assert steps == [0, 1, 2]
    assert task.done()


def test_stepping_with_nothing_to_do_returns(clock):
    clock.loop.step()
    clock.loop.step()


def test_it_asks_to_be_woken_when_its_next_timer_falls_due(clock):
    async def work():
        await asyncio.sleep(5)
        return "value"

    task = clock.loop.create_task(work())
    clock.loop.step()
    assert clock.waiting == [5]
    clock.advance(2)
    assert clock.waiting == [5]
    assert not task.done()
    clock.advance(3)
    assert task.result() == "value"
    assert clock.waiting == []


def test_a_task_sees_the_loop_as_running_and_the_test_does_not(clock):
    found = []

    async def work():
        found.append(asyncio.get_running_loop())

    clock.loop.create_task(work())
    clock.loop.step()
    assert found == [clock.loop]
    with pytest.raises(RuntimeError):
        asyncio.get_running_loop()


def test_the_loop_that_the_test_itself_runs_on_is_back_after_a_step(clock):
    async def test():
        outer, found = asyncio.get_running_loop(), []

        async def work():
            found.append(asyncio.get_running_loop())

        clock.loop.create_task(work())
        clock.loop.step()
        return found == [clock.loop] and asyncio.get_running_loop() is outer

    assert asyncio.run(test())


def test_finishing_cancels_what_was_not_done_and_names_it(clock):
    steps = []

    async def endless():
        try:
            await asyncio.Event().wait()
        finally:
            steps.append("cleaned up")

    async def short():
        pass

    task = clock.loop.create_task(endless())
    clock.loop.create_task(short())
    clock.loop.step()
    assert clock.loop.finish() == [task]
    assert steps == ["cleaned up"]
    assert task.cancelled()
    assert clock.loop.is_closed()
