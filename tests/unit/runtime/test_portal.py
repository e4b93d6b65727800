from __future__ import annotations

import asyncio
import functools
import gc
import threading
from concurrent.futures import CancelledError
from contextvars import ContextVar

import pytest

from sionamespace.runtime.pending import Pending
from sionamespace.runtime.portal import Portal, is_async

_who: ContextVar[str] = ContextVar("who", default="nobody")


class Broken(Exception):
    pass


class _Waiter(threading.Event):
    def wait(self, seconds=None):
        return super().wait(5 if seconds is None else seconds)


class Threads:
    """As much of a runtime as waiting on real threads takes."""

    def waiter(self):
        return _Waiter()

    def awaited(self): ...


@pytest.fixture
def threads():
    return []


@pytest.fixture
def portal(threads):
    def start_thread(function):
        thread = threading.Thread(target=function, daemon=True)
        thread.start()
        threads.append(thread)

    portal = Portal(Threads(), start_thread)
    yield portal
    if threads:
        loop = portal.submit(_loop()).result()
        loop.call_soon_threadsafe(loop.stop)
        threads[0].join(5)
        loop.close()


async def _loop():
    return asyncio.get_running_loop()


async def _thread():
    return threading.current_thread()


def test_no_thread_runs_before_the_first_coroutine_and_one_for_all_after_it(portal, threads):
    assert threads == []
    runs_on = {portal.submit(_thread()).result() for _ in range(3)}
    assert runs_on == set(threads)
    assert len(threads) == 1


def test_when_its_thread_cannot_be_started_nothing_is_left_open_and_the_next_one_is_tried(
    portal, monkeypatch
):
    def refuse(thread):
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as system:
        system.setattr(threading.Thread, "start", refuse)
        with pytest.raises(RuntimeError, match="can't start new thread"):
            portal.submit(_loop())
    gc.collect()  # a loop that was not closed, or a coroutine never awaited, would warn here
    assert portal.submit(_loop()).result().is_running()


def test_the_result_of_a_coroutine_comes_back(portal):
    async def add(a, b):
        await asyncio.sleep(0)
        return a + b

    assert portal.submit(add(1, 2)).result() == 3


def test_what_a_coroutine_raises_comes_back(portal):
    async def broken():
        raise Broken("why")

    with pytest.raises(Broken, match="why"):
        portal.submit(broken()).result()


def test_coroutines_run_side_by_side(portal):
    pending = Pending(Threads())

    async def wait():
        return await pending

    async def settle():
        pending.resolve("value")

    waiting = portal.submit(wait())
    portal.submit(settle()).result()
    assert waiting.result() == "value"


def test_a_coroutine_sees_the_callers_context_variables_and_keeps_its_own(portal):
    async def look(name):
        before = _who.get()
        _who.set(name)
        await asyncio.sleep(0)
        return before, _who.get()

    _who.set("caller")
    first, second = portal.submit(look("first")), portal.submit(look("second"))
    assert first.result() == ("caller", "first")
    assert second.result() == ("caller", "second")
    assert _who.get() == "caller"


def test_cancelling_the_result_cancels_the_coroutine(portal):
    started, ended = threading.Event(), []

    async def endless():
        try:
            started.set()
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            ended.append("cancelled")
            raise

    pending = portal.submit(endless())
    started.wait(5)
    assert pending.cancel()
    portal.submit(asyncio.sleep(0)).result()
    assert ended == ["cancelled"]
    with pytest.raises(CancelledError):
        pending.result()


def test_a_coroutine_that_is_cancelled_before_it_began_never_runs(portal):
    steps, blocking, gate = [], threading.Event(), threading.Event()

    async def block():
        blocking.set()
        gate.wait(5)

    async def step():
        steps.append("ran")

    portal.submit(block())
    blocking.wait(5)
    pending = portal.submit(step())
    pending.cancel()
    gate.set()
    portal.submit(asyncio.sleep(0)).result()
    assert steps == []


def test_a_coroutine_that_cancels_itself_is_cancelled(portal):
    async def cancel():
        raise asyncio.CancelledError

    pending = portal.submit(cancel())
    with pytest.raises(CancelledError):
        pending.result()
    assert pending.cancelled()


async def _async(*args):
    pass


def _plain(*args):
    pass


class _AsyncCall:
    async def __call__(self):
        pass


class _Inherits(_AsyncCall):
    pass


class _PlainCall:
    def __call__(self):
        pass


class _Methods:
    async def asynchronous(self):
        pass

    def plain(self):
        pass


@pytest.mark.parametrize(
    "function",
    [
        _async,
        functools.partial(_async, 1),
        functools.partial(functools.partial(_async, 1), 2),
        _Methods().asynchronous,
        functools.partial(_Methods().asynchronous),
        _AsyncCall(),
        functools.partial(_AsyncCall()),
        _Inherits(),
    ],
    ids=str,
)
def test_what_makes_a_coroutine_is_async(function):
    assert is_async(function)


@pytest.mark.parametrize(
    "function",
    [
        _plain,
        functools.partial(_plain, 1),
        _Methods().plain,
        _PlainCall(),
        _AsyncCall,
        len,
        print,
        lambda: None,
    ],
    ids=str,
)
def test_what_makes_none_is_not(function):
    assert not is_async(function)


@pytest.mark.parametrize("error", [SystemExit, KeyboardInterrupt])
def test_what_ends_the_process_ends_no_other_coroutine(portal, error):
    async def end():
        raise error

    with pytest.raises(error):
        portal.submit(end()).result(5)
    assert portal.submit(_thread()).result(5) is not None
