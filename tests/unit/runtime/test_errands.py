"""A def that waits for a coroutine, and does what that asks for."""

from __future__ import annotations

import asyncio
import concurrent.futures
import threading

import pytest

from sionamespace import UsageError

pytestmark = pytest.mark.every_runtime


def test_it_gets_what_the_coroutine_returns(runtime):
    async def add(a, b):
        await asyncio.sleep(0)
        return a + b

    assert runtime.spawn(runtime.run_async, add, 1, 2).result(5) == 3


def test_what_the_coroutine_asks_for_runs_on_its_thread(runtime):
    async def ask():
        return [await runtime.run_plain(threading.get_ident, False) for _ in range(2)]

    def outer():
        return threading.get_ident(), *runtime.run_async(ask)

    assert len(set(runtime.spawn(outer).result(5))) == 1


def test_what_is_raised_is_raised_where_it_is_waited_for(runtime):
    raised = []

    def fail():
        raise LookupError("no")

    async def ask():
        try:
            await runtime.run_plain(fail, False)
        except LookupError as error:
            raised.append(str(error))
            raise

    def outer():
        with pytest.raises(LookupError, match="no"):
            runtime.run_async(ask)
        return "caught"

    assert runtime.spawn(outer).result(5) == "caught"
    assert raised == ["no"]


def test_one_who_no_longer_waits_runs_nothing_more(runtime):
    """Whoever waits may be interrupted, as by a time-out of eventlet; the coroutine is told."""
    told = []

    def interrupt():
        raise SystemExit

    async def ask():
        try:
            await runtime.run_plain(interrupt, False)
        except concurrent.futures.CancelledError:
            told.append("cancelled")
        try:
            await runtime.run_plain(told.append, False, "too late")
        except UsageError:
            told.append("refused")

    def outer():
        with pytest.raises(SystemExit):
            runtime.run_async(ask)
        return "interrupted"

    assert runtime.spawn(outer).result(5) == "interrupted"
    runtime.settle()
    assert told == ["cancelled", "refused"]
