"""`Steps`: what shares a task looks to itself as if it had one of its own."""

from __future__ import annotations

import asyncio
import gc
import inspect
import sys
from contextvars import ContextVar, copy_context
from functools import partial, wraps

import pytest

from sionamespace.runtime.steps import Steps

FACTORIES = [None]
if sys.version_info >= (3, 12):
    FACTORIES.append(asyncio.eager_task_factory)

who = ContextVar("who", default="nobody")


class Scene:
    """Steps, what they did in order, and an event for those that wait."""

    def __init__(self):
        self.log = []
        self.tasks = {}
        self.go_on = asyncio.Event()
        self.context = copy_context()
        loop, ended = asyncio.get_running_loop(), lambda: self.log.append("end")
        self.steps = Steps(loop, self.context, ended)

    def start(self, *steps):
        for step in steps:
            self.steps.start(step)

    def quick(self, name):
        async def step():
            self.tasks[name] = asyncio.current_task()
            self.log.append(name)

        return step

    def waiting(self, name):
        async def step():
            self.tasks[name] = asyncio.current_task()
            self.log.append(name)
            await self.go_on.wait()
            assert asyncio.current_task() is self.tasks[name]
            self.log.append(f"{name} again")

        return step

    async def settle(self):
        for _ in range(6):
            await asyncio.sleep(0)


def on_loop(test):
    """Runs an ``async def`` test on a loop, with a scene as its first argument."""

    @wraps(test)
    def run(**parameters):
        async def main():
            await asyncio.wait_for(test(Scene(), **parameters), 10)

        asyncio.run(main())

    _, *others = inspect.signature(test).parameters.values()
    run.__signature__ = inspect.Signature(others)
    return run


@on_loop
async def test_what_comes_together_runs_in_one_task_and_in_order(scene):
    scene.start(*map(scene.quick, "abc"))
    await asyncio.sleep(0)
    assert scene.log == ["a", "b", "c", "end"]
    assert len(set(scene.tasks.values())) == 1


@on_loop
async def test_what_waits_keeps_its_task_and_those_behind_it_get_their_own(scene):
    scene.start(scene.quick("a"), scene.waiting("b"), scene.waiting("c"), scene.quick("d"))
    await scene.settle()
    assert scene.log == ["a", "b", "end", "c", "d"]
    assert scene.tasks["a"] is scene.tasks["b"]
    assert len(set(scene.tasks.values())) == 3
    scene.go_on.set()
    await scene.settle()
    assert scene.log[5:] == ["b again", "c again"]


@on_loop
async def test_what_comes_while_others_wait_does_not(scene):
    for names in "ab", "c", "de":
        scene.start(*map(scene.waiting, names))
        await scene.settle()
    assert [name for name in scene.log if name != "end"] == list("abcde")


@on_loop
async def test_what_a_step_starts_runs_after_what_had_come(scene):

    async def starts_more():
        scene.start(scene.quick("c"), scene.quick("d"))

    scene.start(scene.quick("a"), starts_more, scene.quick("b"))
    await scene.settle()
    assert scene.log == ["a", "b", "end", "c", "d"]


@on_loop
async def test_each_has_a_context_of_its_own_and_none_of_who_started_it(scene):
    found = {}

    async def step(name, waits):
        found[name] = [who.get()]
        who.set(name)
        if waits:
            await scene.go_on.wait()
        found[name].append(who.get())

    scene.context.run(who.set, "the server")
    who.set("somebody")
    for name, waits in ("a", False), ("b", True), ("c", False), ("d", True):
        scene.start(partial(step, name, waits))
    await scene.settle()
    scene.go_on.set()
    await scene.settle()
    assert found == {name: ["the server", name] for name in "abcd"}
    assert who.get() == "somebody"


@on_loop
@pytest.mark.parametrize("others", [(), ("a",), ("a", "b")])
async def test_time_outs_and_awaited_tasks_work_in_a_step(scene, others):

    async def times_out():
        try:
            await asyncio.wait_for(scene.go_on.wait(), 0.001)
        except asyncio.TimeoutError:
            scene.log.append("timed out")
        scene.log.append(await asyncio.gather(asyncio.sleep(0, 1), asyncio.sleep(0, 2)))
        scene.go_on.set()

    scene.start(*map(scene.quick, others), times_out)
    await scene.go_on.wait()
    assert [entry for entry in scene.log if entry != "end"] == [*others, "timed out", [1, 2]]


@on_loop
async def test_a_wait_that_fails_fails_in_the_step(scene):
    future = asyncio.get_running_loop().create_future()

    async def step():
        with pytest.raises(KeyError, match="why"):
            await future
        scene.log.append("failed")

    scene.start(scene.quick("a"), step)
    await scene.settle()
    future.set_exception(KeyError("why"))
    await scene.settle()
    assert scene.log == ["a", "end", "failed"]


@on_loop
@pytest.mark.parametrize("waits", [False, True])
async def test_one_that_fails_is_told_and_stops_no_other(scene, caplog, waits):

    async def fails():
        if waits:
            await asyncio.sleep(0)
        raise KeyError("x")

    scene.start(scene.quick("a"), fails, scene.quick("b"), fails)
    await scene.settle()
    assert [name for name in scene.log if name != "end"] == ["a", "b"]
    assert caplog.text.count("a fault of sionamespace") == 2


@on_loop
async def test_one_that_is_cancelled_takes_no_other_along(scene):

    async def raises():
        raise asyncio.CancelledError

    async def cancels_itself():
        asyncio.current_task().cancel()

    async def thinks_better_of_it():
        asyncio.current_task().cancel()
        getattr(asyncio.current_task(), "uncancel", int)()  # from Python 3.11 on

    scene.start(raises, scene.quick("a"), cancels_itself, scene.waiting("b"))
    scene.start(thinks_better_of_it, scene.waiting("c"))
    await scene.settle()
    scene.go_on.set()
    await scene.settle()
    assert [n for n in scene.log if n != "end"] == ["a", "b", "c", "b again", "c again"]


@on_loop
async def test_who_cancels_all_tasks_does_not_stop_those_to_come(scene):
    before = asyncio.all_tasks()
    scene.start(scene.quick("a"), scene.quick("b"))
    for task in asyncio.all_tasks() - before:
        task.cancel()
    await scene.settle()
    scene.start(scene.quick("c"))
    await scene.settle()
    assert scene.log[-2:] == ["c", "end"]


@on_loop
async def test_one_that_waits_can_be_cancelled_as_a_task_can(scene):

    async def step():
        try:
            await scene.waiting("b")()
        except asyncio.CancelledError:
            scene.log.append("cancelled")
            raise

    scene.start(scene.quick("a"), step, scene.waiting("c"))
    await scene.settle()
    scene.tasks["b"].cancel()
    await scene.settle()
    assert scene.tasks["b"].cancelled()
    scene.go_on.set()
    await scene.settle()
    assert [n for n in scene.log if n != "end"] == ["a", "b", "c", "cancelled", "c again"]


def test_one_that_ends_the_loop_loses_no_other():
    async def main():
        scene = Scene()

        async def ends():
            raise SystemExit(3)

        scene.start(scene.quick("a"), ends, scene.quick("b"))
        scenes.append(scene)
        await scene.settle()

    scenes, loop = [], asyncio.new_event_loop()
    with pytest.raises(SystemExit):
        loop.run_until_complete(main())
    loop.run_until_complete(asyncio.sleep(0))
    assert scenes[0].log == ["a", "end", "b"]
    for task in asyncio.all_tasks(loop):
        task.cancel()
    loop.run_until_complete(asyncio.sleep(0))
    loop.close()


@on_loop
@pytest.mark.parametrize("factory", FACTORIES)
async def test_the_tasks_of_a_loop_may_be_eager(scene, factory):
    asyncio.get_running_loop().set_task_factory(factory)
    scene.start(scene.quick("a"), scene.waiting("b"), scene.quick("c"), scene.waiting("d"))
    await scene.settle()
    scene.go_on.set()
    await scene.settle()
    assert [n for n in scene.log if n != "end"] == ["a", "b", "c", "d", "b again", "d again"]
    assert {task.exception() for task in scene.tasks.values()} == {None}


@on_loop
async def test_those_that_wait_are_kept_by_nobody_else_and_are_not_lost(scene):
    reached, all_reached = [], asyncio.Event()

    async def step(name):
        # Nobody but the step itself refers to what it waits for.
        future = asyncio.get_running_loop().create_future()
        asyncio.get_running_loop().call_later(0.01, lambda f: f.set_result(None), future)
        await future
        reached.append(name)
        if len(reached) == 3:
            all_reached.set()

    for name in "abc":
        scene.start(partial(step, name))
    await scene.settle()
    gc.collect()
    await all_reached.wait()
    assert reached == list("abc")
