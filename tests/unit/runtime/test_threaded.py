from __future__ import annotations

import asyncio
import gc
from contextvars import ContextVar

import pytest

from sionamespace.errors import HandlerError, WouldBlock
from sionamespace.runtime.drive import drive
from sionamespace.runtime.eventlet import eventlet
from sionamespace.runtime.originals import get_ident
from sionamespace.runtime.pending import Pending

_who: ContextVar[str] = ContextVar("who", default="nobody")


class Broken(Exception):
    pass


@pytest.fixture(autouse=True)
def _soon():
    """No test waits for ever."""
    with eventlet.Timeout(10):
        yield


async def ident(*args):
    return get_ident(), args


async def broken_async():
    raise Broken("why")


def broken():
    raise Broken("why")


class TestSpawn:
    def test_a_def_runs_in_the_background_and_its_result_comes(self, threaded):
        steps = []
        pending = threaded.spawn(lambda *args, **kw: steps.append("ran") or (args, kw), 1, key=2)
        assert steps == []
        assert pending.result() == ((1,), {"key": 2})

    def test_an_async_def_runs_on_another_thread_and_its_result_comes(self, threaded):
        where, args = threaded.spawn(ident, 1, 2).result()
        assert where != get_ident()
        assert args == (1, 2)

    def test_a_def_that_another_thread_spawns_runs_on_the_engines(self, threaded, elsewhere):
        assert elsewhere.run(lambda: threaded.spawn(get_ident).result(5)) == get_ident()

    def test_an_async_def_that_another_thread_spawns_has_a_result_there(self, threaded, elsewhere):
        assert elsewhere.run(lambda: threaded.spawn(ident, 7).result(5))[1] == (7,)

    def test_an_async_function_may_spawn_and_await_a_plain_one(self, threaded):
        async def outer():
            return await threaded.spawn(get_ident)

        assert threaded.spawn(outer).result() == get_ident()

    @pytest.mark.parametrize("function", [broken, broken_async])
    def test_one_that_fails_is_logged_once_and_raises_for_who_waits(
        self, threaded, caplog, function
    ):
        pending = threaded.spawn(function)
        for _ in range(2):
            with pytest.raises(Broken, match="why"):
                pending.result()
        (record,) = caplog.records
        assert "background task failed" in record.message
        assert function.__name__ in record.message
        assert record.exc_info[0] is Broken

    def test_one_that_breaks_off_with_eventlets_timeout_is_a_failure_too(self, threaded, caplog):
        def late():
            with eventlet.Timeout(0.001):
                eventlet.sleep(5)

        pending = threaded.spawn(late)
        with pytest.raises(eventlet.Timeout):
            pending.result(timeout=1)
        assert len(caplog.records) == 1

    def test_cancelling_an_async_one_cancels_it_and_is_not_logged(self, threaded, caplog):
        started, ended = Pending(threaded), Pending(threaded)

        async def endless():
            started.resolve(None)
            try:
                await asyncio.Event().wait()
            finally:
                ended.resolve("ended")

        pending = threaded.spawn(endless)
        started.result()
        pending.cancel()
        assert ended.result() == "ended"
        assert caplog.records == []


class TestCall:
    def call(self, threaded, function, is_async, *args):
        """As the pipeline calls a handler, in a green thread."""
        return eventlet.spawn(drive, threaded.call(function, is_async, False, *args)).wait()

    def test_a_def_is_called_where_the_pipeline_runs(self, threaded):
        found = []

        def handler(*args):
            found.append(get_ident())
            return args

        assert self.call(threaded, handler, False, 1, 2) == (1, 2)
        assert found == [get_ident()]

    def test_an_async_def_runs_on_another_thread_while_green_threads_go_on(self, threaded):
        gate, steps = Pending(threaded), []

        async def handler(value):
            await gate
            steps.append("handled")
            return value

        green = eventlet.spawn(drive, threaded.call(handler, True, False, 5))
        eventlet.sleep(0.005)
        steps.append("meanwhile")
        gate.resolve(None)
        assert green.wait() == 5
        assert steps == ["meanwhile", "handled"]

    def test_an_async_handler_sees_the_context_variables(self, threaded):
        async def handler():
            return _who.get()

        def call():
            _who.set("client")
            return drive(threaded.call(handler, True, False))

        assert eventlet.spawn(call).wait() == "client"
        assert _who.get() == "nobody"

    @pytest.mark.parametrize(("function", "is_async"), [(broken, False), (broken_async, True)])
    def test_what_a_handler_raises_is_raised(self, threaded, function, is_async):
        with pytest.raises(Broken, match="why"):
            self.call(threaded, function, is_async)

    def test_a_def_that_returns_a_coroutine_is_an_error_that_says_why(self, threaded):
        def decorated(*args):
            return ident(*args)

        with pytest.raises(HandlerError, match="returned a coroutine; make it `async def`"):
            self.call(threaded, decorated, False)
        gc.collect()  # a coroutine that was never awaited would warn here, and fail the test


class TestEventLoop:
    def test_an_async_function_cannot_wait_for_a_result(self, threaded):
        async def wait():
            Pending(threaded).result()

        with pytest.raises(WouldBlock, match="await ack"):
            drive(threaded.call(wait, True, False))

    def test_an_async_function_cannot_sleep(self, threaded):
        async def wait():
            threaded.sleep(1)

        with pytest.raises(WouldBlock, match=r"await asyncio\.sleep"):
            drive(threaded.call(wait, True, False))

    def test_an_async_function_may_await_an_answer_of_the_engines_thread(self, threaded):
        pending = Pending(threaded)

        async def wait():
            threaded.post(pending.resolve, "value")
            return await pending

        assert drive(threaded.call(wait, True, False)) == "value"

    def test_sleeping_elsewhere_sleeps(self, threaded):
        start = threaded.now()
        threaded.sleep(0.005)
        assert threaded.now() - start >= 0.005


class TestLater:
    def test_a_timer_of_another_thread_calls_on_the_engines(self, threaded, elsewhere):
        called = eventlet.event.Event()
        elsewhere.run(
            lambda: threaded.later(0.001, lambda value: called.send((value, get_ident())), "value")
        )
        assert called.wait() == ("value", get_ident())

    @pytest.mark.parametrize("asked_there", [True, False])
    @pytest.mark.parametrize("cancelled_there", [True, False])
    @pytest.mark.parametrize("wait", [True, False])
    def test_a_timer_can_be_cancelled_from_any_thread(
        self, threaded, elsewhere, asked_there, cancelled_there, wait
    ):
        called = []

        def later():
            return threaded.later(0.02, called.append, "called")

        timer = elsewhere.run(later) if asked_there else later()
        if wait:
            eventlet.sleep(0.001)
        if cancelled_there:
            elsewhere.run(timer.cancel)
        else:
            timer.cancel()
        timer.cancel()
        threaded.sleep(0.03)
        assert called == []

    def test_cancelling_after_the_call_does_nothing(self, threaded, elsewhere):
        called = []
        timer = threaded.later(0, called.append, "called")
        threaded.sleep(0.001)
        timer.cancel()
        elsewhere.run(timer.cancel)
        assert called == ["called"]

    @pytest.mark.parametrize("asked_there", [True, False])
    def test_a_timer_that_is_cancelled_elsewhere_is_not_kept(
        self, threaded, elsewhere, asked_there
    ):
        class Held:
            def call(self):
                pass

        held = Held()

        def later():
            return threaded.later(600, held.call)

        timer = elsewhere.run(later) if asked_there else later()
        eventlet.sleep(0.002)
        elsewhere.run(timer.cancel)
        eventlet.sleep(0.002)
        timer = None
        gc.collect()
        assert [one for one in gc.get_referrers(held) if isinstance(one, type(held.call))] == []

    def test_another_thread_gets_no_hub_of_its_own_by_cancelling(self, threaded, elsewhere):
        timer = threaded.later(600, print)

        def cancel():
            timer.cancel()
            return getattr(eventlet.hubs._threadlocal, "hub", None)

        assert elsewhere.run(cancel) is None


class TestStart:
    def test_a_step_runs_on_the_engines_thread_wherever_it_is_started(self, threaded, elsewhere):
        found = []

        async def step():
            found.append(get_ident())

        threaded.start(step)
        elsewhere.run(threaded.start, step)
        eventlet.sleep(0.002)
        assert found == [get_ident()] * 2

    def test_a_step_that_fails_is_logged(self, threaded, caplog):
        threaded.start(broken_async)
        eventlet.sleep(0)
        (record,) = caplog.records
        assert "fault of sionamespace" in record.message
        assert record.exc_info[0] is Broken
