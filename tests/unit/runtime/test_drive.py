from __future__ import annotations

import asyncio

import pytest

from sionamespace.runtime.drive import drive


async def inner(value):
    return value


def test_the_result_of_a_coroutine_that_does_not_suspend():
    async def outer():
        return [await inner(1), await inner(2)]

    assert drive(outer()) == [1, 2]


def test_what_it_raises_is_raised():
    async def broken():
        raise KeyError("why")

    with pytest.raises(KeyError, match="why"):
        drive(broken())


def test_one_that_suspends_is_a_fault_and_is_closed():
    steps = []

    async def suspends():
        try:
            await asyncio.sleep(0)
        finally:
            steps.append("closed")
        steps.append("went on")

    with pytest.raises(RuntimeError, match="suspended"):
        drive(suspends())
    assert steps == ["closed"]
