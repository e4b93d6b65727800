from __future__ import annotations

import asyncio
import contextvars
import threading

import pytest

from sionamespace.errors import HandlerError, WouldBlock
from sionamespace.runtime.aio import AsyncioRuntime
from sionamespace.runtime.pending import Pending


def on_loop(test):
    """Runs an ``async def`` test with a runtime that is bound to its loop, for so long."""

    def run(self=None):
        async def main():
            runtime = AsyncioRuntime(4)
            runtime.bind()
            await asyncio.wait_for(test(runtime), 10)

        asyncio.run(main())

    run.__name__ = test.__name__
    return run


def elsewhere(function, *args):
    """The result of a function, run on another thread while the loop goes on."""
    return asyncio.get_running_loop().run_in_executor(None, function, *args)


@on_loop
async def test_an_async_handler_runs_on_the_loop(runtime):
    async def handler(value):
        assert asyncio.get_running_loop() is not None
        return value, threading.current_thread()

    assert await runtime.call(handler, True, False, 5) == (5, threading.current_thread())


@on_loop
async def test_a_plain_handler_runs_on_a_thread_with_the_callers_context(runtime):
    variable = contextvars.ContextVar("variable")
    variable.set("callers")

    def handler(value):
        return value, variable.get(), threading.current_thread() is threading.main_thread()

    assert await runtime.call(handler, False, False, 5) == (5, "callers", False)


@on_loop
async def test_a_plain_handler_may_raise_what_a_future_does_not_take(runtime):
    with pytest.raises(RuntimeError, match="StopIteration") as raised:
        await runtime.call(lambda: next(iter([])), False, False)
    assert isinstance(raised.value.__cause__, StopIteration)


@on_loop
async def test_an_inline_handler_runs_on_the_loop(runtime):
    thread = await runtime.call(threading.current_thread, False, True)
    assert thread is threading.current_thread()


@on_loop
async def test_what_a_handler_raises_is_raised(runtime):
    def fail():
        raise KeyError("x")

    with pytest.raises(KeyError):
        await runtime.call(fail, False, False)


@on_loop
async def test_a_plain_function_that_returns_a_coroutine_is_an_error(runtime):
    async def hidden(): ...

    with pytest.raises(HandlerError, match="a decorator hides"):
        await runtime.call(lambda: hidden(), False, False)


@on_loop
async def test_posts_from_other_threads_run_on_the_loop_in_order(runtime):
    found, done = [], asyncio.Event()

    def post_many():
        assert not runtime.here()
        for number in range(100):
            runtime.post(found.append, number)
        runtime.post(done.set)

    await elsewhere(post_many)
    await done.wait()
    assert found == list(range(100))
    assert runtime.here()


@on_loop
async def test_spawn_runs_both_kinds_and_gives_the_result(runtime):
    async def coroutine(value):
        await asyncio.sleep(0)
        return value

    assert await runtime.spawn(coroutine, 1) == 1
    assert await runtime.spawn(lambda a, b: a + b, 1, b=2) == 3
    assert await elsewhere(lambda: runtime.spawn(coroutine, 4).result(5)) == 4


def test_a_background_failure_is_logged_once(caplog):
    @on_loop
    async def test(runtime):
        async def fail():
            raise KeyError("x")

        for function in (fail, lambda: {}["x"]):
            with pytest.raises(KeyError):
                await runtime.spawn(function)

    test()
    assert [r.getMessage().split(":")[0] for r in caplog.records] == [
        "a background task failed"
    ] * 2


@on_loop
async def test_cancelling_ends_the_task(runtime):
    ended = asyncio.Event()

    async def wait():
        try:
            await asyncio.sleep(100)
        finally:
            ended.set()

    pending = runtime.spawn(wait)
    await asyncio.sleep(0)
    assert pending.cancel()
    await ended.wait()


@on_loop
async def test_timers_fire_and_may_be_cancelled_from_any_thread(runtime):
    fired = asyncio.Event()
    late = []
    runtime.later(0, fired.set)
    await fired.wait()
    fired.clear()
    cancelled = await elsewhere(lambda: runtime.later(0.01, late.append, 1))
    await elsewhere(cancelled.cancel)
    await elsewhere(lambda: runtime.later(0.02, fired.set))
    await fired.wait()
    assert late == []


@on_loop
async def test_waiting_on_the_loop_is_refused_and_on_a_thread_it_waits(runtime):
    pending = Pending(runtime)
    with pytest.raises(WouldBlock, match="await ack"):
        pending.result()
    with pytest.raises(WouldBlock, match=r"asyncio\.sleep"):
        runtime.sleep(1)
    waiting = elsewhere(pending.result, 5)
    runtime.later(0.01, pending.resolve, "value")
    assert await waiting == "value"


def test_what_is_asked_before_there_is_a_loop_is_done_when_there_is():
    runtime = AsyncioRuntime(1)
    found = []
    runtime.post(found.append, "posted")

    async def coroutine():
        return "spawned"

    pending = runtime.spawn(coroutine)
    assert runtime.here()

    async def main():
        runtime.bind()
        assert await pending == "spawned"

    asyncio.run(main())
    assert found == ["posted"]


def test_where_something_is_awaited_before_the_engine_runs_is_not_where_that_must_run():
    runtime, began, ended = AsyncioRuntime(4), threading.Event(), threading.Event()

    async def a_bot_of_its_own():
        assert await runtime.spawn(lambda: "early") == "early"
        began.set()
        await asyncio.to_thread(ended.wait)

    async def main():
        await asyncio.to_thread(began.wait)
        runtime.bind()
        ran_on = asyncio.get_running_loop().create_future()

        async def step():
            ran_on.set_result(threading.current_thread())

        runtime.start(step)
        assert await asyncio.wait_for(ran_on, 10) is threading.current_thread()
        assert runtime.here()

    bot = threading.Thread(target=asyncio.run, args=(a_bot_of_its_own(),))
    bot.start()
    try:
        asyncio.run(main())
    finally:
        ended.set()
        bot.join()


def test_a_post_after_the_end_of_the_loop_is_no_error():
    runtime = AsyncioRuntime(1)

    async def main():
        runtime.bind()

    asyncio.run(main())
    runtime.post(print, "nobody reads this")


def test_a_step_that_fails_is_logged(caplog):
    @on_loop
    async def test(runtime):
        done = asyncio.Event()

        async def fail():
            done.set()
            raise KeyError("x")

        runtime.start(fail)
        await done.wait()
        await asyncio.sleep(0)

    test()
    assert "a fault of sionamespace" in caplog.text


@on_loop
async def test_what_steps_leave_to_the_end_is_done_when_the_last_of_a_round_has_run(runtime):
    happened = []

    async def step(name):
        happened.append(name)
        runtime.at_end(lambda: happened.append(f"end {name}"))

    for name in "ab":
        runtime.start(lambda name=name: step(name))
    await asyncio.sleep(0)
    assert happened == ["a", "b", "end a", "end b"]
    await asyncio.sleep(0)
    assert len(happened) == 4


@on_loop
async def test_the_end_does_not_wait_for_a_step_that_waits(runtime):
    released, happened = asyncio.Event(), []

    async def waiting():
        await released.wait()
        happened.append("released")

    async def step():
        runtime.at_end(lambda: happened.append("end"))

    runtime.start(step)
    runtime.start(waiting)
    for _ in range(2):
        await asyncio.sleep(0)
    assert happened == ["end"]
    released.set()
    while "released" not in happened:
        await asyncio.sleep(0)


@on_loop
async def test_arguments_that_do_not_fit_what_is_spawned_are_an_error_wherever_that_is(runtime):
    async def work(one):
        return one

    def spawn():
        return runtime.spawn(work).result(5)

    with pytest.raises(TypeError, match="one"):
        await elsewhere(spawn)
