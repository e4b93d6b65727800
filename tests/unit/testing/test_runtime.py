from __future__ import annotations

import asyncio

import pytest

from sionamespace.errors import HandlerError, WouldBlock
from sionamespace.runtime.drive import drive
from sionamespace.runtime.pending import Pending
from sionamespace.testing.runtime import ManualRuntime


@pytest.fixture
def runtime():
    runtime = ManualRuntime()
    yield runtime
    runtime.close()


@pytest.fixture
def log():
    return []


class TestSettling:
    def test_nothing_runs_before_it_is_settled_and_then_all_in_order(self, runtime, log):
        async def step():
            log.append("started")

        runtime.post(log.append, "posted")
        runtime.start(step)
        runtime.spawn(log.append, "spawned")
        assert log == []
        runtime.settle()
        assert log == ["posted", "started", "spawned"]

    def test_what_runs_may_start_more(self, runtime, log):
        runtime.post(lambda: runtime.post(log.append, "second"))
        runtime.post(log.append, "first")
        runtime.settle()
        assert log == ["first", "second"]

    def test_what_waits_leaves_the_others_running(self, runtime, log):
        gate = Pending(runtime)
        runtime.spawn(lambda: log.append(gate.result()))
        runtime.spawn(log.append, "other")
        runtime.settle()
        assert log == ["other"]
        gate.resolve("gate")
        runtime.settle()
        assert log == ["other", "gate"]

    def test_a_function_may_settle_in_its_turn(self, runtime, log):
        def outer():
            runtime.post(log.append, "inner")
            runtime.settle()
            log.append("outer")

        runtime.post(outer)
        runtime.settle()
        assert log == ["inner", "outer"]

    def test_plain_and_async_functions_may_wait_for_each_other(self, runtime):
        first, second = Pending(runtime), Pending(runtime)

        async def asynchronous():
            first.resolve(1)
            return await second

        def plain():
            second.resolve(first.result() + 1)

        result = runtime.spawn(asynchronous)
        runtime.spawn(plain)
        runtime.settle()
        assert result.result() == 2


class TestClock:
    def test_it_stands_still_unless_the_test_moves_it(self, runtime):
        runtime.settle()
        assert runtime.now() == 0
        runtime.advance(1.5)
        assert runtime.now() == 1.5

    def test_timers_fire_on_the_way_in_order_and_at_their_time(self, runtime, log):
        def note(name):
            log.append((name, runtime.now()))

        runtime.later(3, note, "c")
        runtime.later(1, note, "a")
        runtime.later(1, note, "b")
        runtime.later(9, note, "late")
        runtime.advance(5)
        assert log == [("a", 1), ("b", 1), ("c", 3)]

    def test_a_timer_may_set_another_that_falls_due_on_the_way(self, runtime, log):
        runtime.later(1, lambda: runtime.later(1, lambda: log.append(runtime.now())))
        runtime.advance(5)
        assert log == [2]

    def test_a_cancelled_timer_does_not_fire(self, runtime, log):
        runtime.later(1, log.append, 1).cancel()
        runtime.advance(5)
        assert log == []

    def test_who_sleeps_goes_on_when_the_time_has_come(self, runtime, log):
        def sleeper():
            runtime.sleep(2)
            log.append(runtime.now())

        runtime.spawn(sleeper)
        runtime.advance(1)
        assert log == []
        runtime.advance(1)
        assert log == [2]

    def test_asyncio_sleeps_by_it_too(self, runtime, log):
        async def sleeper():
            await asyncio.sleep(2)
            log.append(runtime.now())

        runtime.spawn(sleeper)
        runtime.advance(1.9)
        assert log == []
        runtime.advance(5)
        assert log == [2]

    def test_a_time_limit_of_asyncio_is_kept_by_it(self, runtime):
        async def wait():
            await asyncio.wait_for(asyncio.Event().wait(), 3)

        pending = runtime.spawn(wait)
        runtime.advance(2.9)
        assert not pending.done()
        runtime.advance(0.1)
        assert isinstance(pending.exception(), asyncio.TimeoutError)


class TestWaitingInTheTest:
    def test_the_clock_moves_until_it_is_there_and_no_further(self, runtime):
        pending = Pending(runtime)
        runtime.later(3, pending.resolve, "value")
        runtime.later(9, print)
        assert pending.result() == "value"
        assert runtime.now() == 3

    def test_past_its_time_it_ends_and_the_clock_has_moved_by_it(self, runtime):
        pending = Pending(runtime)
        runtime.later(3, pending.resolve, "value")
        with pytest.raises(TimeoutError):
            pending.result(timeout=2)
        assert runtime.now() == 2
        assert pending.result(timeout=2) == "value"
        assert runtime.now() == 3

    def test_sleeping_moves_the_clock(self, runtime):
        runtime.sleep(3)
        assert runtime.now() == 3

    def test_waiting_for_what_can_never_come_is_an_error_and_no_hang(self, runtime):
        with pytest.raises(WouldBlock, match="nothing left can bring about"):
            Pending(runtime).result()

    def test_a_waiting_function_gives_up_in_time(self, runtime, log):
        def wait():
            try:
                Pending(runtime).result(timeout=2)
            except TimeoutError:
                log.append(runtime.now())

        runtime.spawn(wait)
        runtime.advance(5)
        assert log == [2]


class TestCalls:
    async def asynchronous(self, value):
        await asyncio.sleep(0)
        return value

    def test_both_kinds_of_handlers_give_their_result(self, runtime, log):
        runtime.spawn(lambda: log.append(drive(runtime.call(lambda v: v, False, False, 1))))
        runtime.spawn(lambda: log.append(drive(runtime.call(self.asynchronous, True, False, 2))))
        runtime.settle()
        assert log == [1, 2]

    def test_a_plain_handler_that_returns_a_coroutine_is_an_error(self, runtime):
        with pytest.raises(HandlerError, match="returned a coroutine"):
            drive(runtime.call(lambda: self.asynchronous(1), False, False))

    def test_an_async_function_cannot_wait_as_a_plain_one(self, runtime):
        async def wait():
            Pending(runtime).result()

        with pytest.raises(WouldBlock, match="await"):
            runtime.spawn(wait).result()

    def test_what_a_background_function_raises_is_in_its_result(self, runtime):
        assert isinstance(runtime.spawn(lambda: 1 / 0).exception(), ZeroDivisionError)


class TestClosing:
    def test_what_waits_does_not_run_on(self, runtime, log):
        async def endless():
            try:
                await asyncio.Event().wait()
            finally:
                log.append("cleaned up")
            log.append("ran on")

        runtime.spawn(endless)
        runtime.settle()
        runtime.close()
        runtime.close()
        assert log == ["cleaned up"]

    def test_it_may_be_used_where_an_event_loop_runs(self):
        async def test():
            runtime = ManualRuntime()

            async def inner():
                await asyncio.sleep(1)
                return "value"

            pending = runtime.spawn(inner)
            runtime.advance(2)
            runtime.close()
            assert asyncio.get_running_loop().is_running()
            return pending.result()

        assert asyncio.run(test()) == "value"
