from __future__ import annotations

import asyncio
import threading
from concurrent.futures import CancelledError

import pytest

from sionamespace.errors import WouldBlock
from sionamespace.runtime.pending import Pending

pytestmark = pytest.mark.every_runtime


class Broken(Exception):
    pass


@pytest.fixture
def pending(runtime):
    return Pending(runtime)


class TestSettling:
    def test_a_value_is_known_once_it_is_resolved(self, pending):
        assert not pending.done()
        assert pending.resolve("value")
        assert pending.done()
        assert (pending.result(), pending.exception()) == ("value", None)

    def test_an_error_is_raised_and_returned(self, pending):
        error = Broken("why")
        assert pending.fail(error)
        assert pending.exception() is error
        with pytest.raises(Broken, match="why"):
            pending.result()

    def test_what_is_cancelled_has_no_value(self, pending):
        assert pending.cancel()
        assert pending.cancelled()
        with pytest.raises(CancelledError):
            pending.result()

    @pytest.mark.parametrize("first", ["resolve", "fail", "cancel"])
    def test_the_first_to_settle_it_is_the_only_one(self, pending, first):
        steps = {
            "resolve": lambda: pending.resolve("value"),
            "fail": lambda: pending.fail(Broken()),
            "cancel": lambda: pending.cancel(),
        }
        assert steps[first]()
        before = pending.exception(), pending.cancelled()
        assert not any(step() for step in steps.values())
        assert (pending.exception(), pending.cancelled()) == before

    def test_threads_that_settle_at_once_leave_one_winner(self, runtime):
        for _ in range(50):
            pending, heard, won = Pending(runtime), [], []
            pending.listen(lambda heard=heard: heard.append(1))
            barrier = threading.Barrier(4)

            def settle(step, *args, barrier=barrier, won=won):
                barrier.wait()
                won.append(step(*args))

            steps = [(pending.resolve, 1), (pending.fail, Broken()), (pending.cancel,)]
            threads = [threading.Thread(target=settle, args=step) for step in steps]
            for thread in threads:
                thread.start()
            barrier.wait()
            pending.listen(lambda heard=heard: heard.append(2))
            for thread in threads:
                thread.join()
            assert sorted(won) == [False, False, True]
            assert sorted(heard) == [1, 2]

    @pytest.mark.parametrize("value", ["value", None])
    def test_its_text_says_how_it_stands(self, pending, value):
        assert repr(pending) == "<Pending pending>"
        pending.resolve(value)
        assert repr(pending) == f"<Pending {value!r}>"

    def test_the_text_of_a_large_value_is_short(self, pending):
        pending.resolve("x" * 10_000)
        assert len(repr(pending)) < 120


class TestWaiting:
    def test_a_waiting_green_thread_goes_on_with_the_value(self, runtime, pending):
        got = runtime.spawn(pending.result)
        runtime.settle()
        assert not got.done()
        pending.resolve("value")
        assert got.result() == "value"

    def test_all_who_wait_go_on(self, runtime, pending):
        got = [runtime.spawn(pending.result) for _ in range(3)]
        runtime.settle()
        pending.fail(Broken())
        runtime.settle()
        assert [type(one.exception()) for one in got] == [Broken] * 3

    def test_waiting_ends_after_the_time_and_the_value_may_still_come(self, runtime, pending):
        begin = runtime.now()
        with pytest.raises(TimeoutError, match="not known after 2 s"):
            pending.result(timeout=2)
        assert runtime.now() - begin == 2
        pending.resolve("late")
        assert pending.result(timeout=0) == "late"

    def test_who_gives_up_leaves_nothing_behind(self, pending):
        for _ in range(3):
            with pytest.raises(TimeoutError):
                pending.result(timeout=2)
        assert pending._listeners == []

    def test_what_is_known_is_there_without_waiting_even_on_an_event_loop(self, pending):
        pending.resolve("value")

        async def look():
            return pending.result()

        assert asyncio.run(look()) == "value"

    def test_an_event_loop_does_not_wait(self, pending):
        async def wait():
            pending.result()

        with pytest.raises(WouldBlock, match="await"):
            asyncio.run(wait())


class TestAwaiting:
    def test_what_is_known_is_there_at_once(self, pending):
        pending.resolve("value")
        with pytest.raises(StopIteration) as returned:
            pending.__await__().send(None)
        assert returned.value.value == "value"

    def test_a_loop_is_woken_from_another_thread(self, pending):
        async def wait():
            loop = asyncio.get_running_loop()
            loop.call_soon(threading.Thread(target=pending.resolve, args=("value",)).start)
            return await asyncio.wait_for(_await(pending), 5)

        assert asyncio.run(wait()) == "value"

    def test_an_error_is_raised_where_it_is_awaited(self, pending):
        async def wait():
            asyncio.get_running_loop().call_soon(pending.fail, Broken("why"))
            await pending

        with pytest.raises(Broken, match="why"):
            asyncio.run(wait())

    def test_who_gave_up_awaiting_does_not_hinder_the_others(self, pending):
        async def wait():
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(_await(pending), 0.001)
            assert pending._listeners == []
            asyncio.get_running_loop().call_soon(pending.resolve, "value")
            return await pending

        assert asyncio.run(wait()) == "value"

    def test_a_loop_that_has_ended_does_not_hinder_who_settles(self, pending):
        async def begin():
            awaiting = pending.__await__()
            awaiting.send(None)
            return awaiting

        awaiting, heard = asyncio.run(begin()), []
        pending.listen(lambda: heard.append(pending.result()))
        assert pending.resolve("value")
        assert heard == ["value"]
        awaiting.close()


async def _await(pending):
    return await pending


class TestCallbacks:
    @pytest.mark.manual("elsewhere it may have been called by the next line")
    def test_it_is_called_with_the_pending_value_in_the_background(self, runtime, pending):
        called = []
        pending.add_done_callback(called.append)
        pending.resolve("value")
        assert called == []
        runtime.settle()
        assert called == [pending]

    def test_it_is_called_too_when_the_value_was_known_before(self, runtime, pending):
        pending.resolve("value")
        called = []
        pending.add_done_callback(called.append)
        runtime.settle()
        assert called == [pending]

    def test_one_that_fails_is_logged_and_the_next_is_called(self, runtime, pending, caplog):
        called = []

        def fail(_):
            raise Broken("in the callback")

        pending.add_done_callback(fail)
        pending.add_done_callback(called.append)
        pending.resolve(None)
        runtime.settle()
        assert called == [pending]
        (record,) = caplog.records
        assert "done callback failed" in record.message
        assert record.exc_info[0] is Broken

    def test_it_may_wait(self, runtime, pending):
        other, called = Pending(runtime), []
        pending.add_done_callback(lambda _: called.append(other.result()))
        pending.resolve(None)
        runtime.settle()
        other.resolve("later")
        runtime.settle()
        assert called == ["later"]
