from __future__ import annotations

import asyncio
import threading
import tracemalloc
from concurrent.futures import CancelledError

import pytest

from sionamespace import Namespace
from sionamespace.acks import Ack, AckTable, BroadcastAck
from sionamespace.application import Application
from sionamespace.engine.memory import MemoryLink
from sionamespace.errors import AckTimeout, ClientGone, UsageError, WouldBlock
from sionamespace.options import Options
from sionamespace.testing.runtime import ManualRuntime

pytestmark = pytest.mark.every_runtime


def all_of(runtime, acks):
    broadcast = BroadcastAck(runtime, acks)
    broadcast.close()
    return broadcast


@pytest.fixture
def make(runtime):
    def make(sid="sid", timeout=None):
        ack = Ack(runtime, "confirm", sid)
        ack.expire_after(timeout)
        return ack

    return make


class TestAck:
    @pytest.mark.parametrize(
        ("arguments", "value"),
        [([], None), ([None], None), ([1], 1), ([[1, 2]], [1, 2]), ([1, "b"], (1, "b"))],
    )
    def test_what_the_client_answered_is_the_value(self, make, arguments, value):
        ack = make()
        ack.answer(arguments)
        assert ack.result() == value

    def test_no_answer_in_time_is_an_error_that_names_client_event_and_time(self, make, runtime):
        ack = make(timeout=2.5)
        runtime.advance(2.4)
        assert not ack.done()
        runtime.advance(0.1)
        with pytest.raises(
            AckTimeout, match=r"client 'sid' did not answer 'confirm' within 2\.5 s"
        ) as caught:
            ack.result()
        assert isinstance(caught.value, TimeoutError)

    def test_without_a_timeout_it_waits_for_ever(self, make, runtime):
        ack = make(timeout=None)
        runtime.advance(10**6)
        assert not ack.done()

    def test_waiting_too_short_is_a_timeout_and_the_answer_may_still_come(self, make, runtime):
        ack = make(timeout=60)
        with pytest.raises(AckTimeout, match="within 1 s"):
            ack.result(timeout=1)
        ack.answer(["late"])
        assert ack.result() == "late"

    def test_an_answer_after_the_timeout_changes_nothing(self, make, runtime):
        ack = make(timeout=1)
        runtime.advance(1)
        ack.answer(["late"])
        with pytest.raises(AckTimeout):
            ack.result()

    @pytest.mark.manual("it is the one whose timers can be looked at")
    @pytest.mark.parametrize(
        "settle",
        [lambda ack: ack.answer([1]), lambda ack: ack.cancel(), lambda ack: ack.fail(ClientGone())],
        ids=["answered", "cancelled", "gone"],
    )
    def test_the_timer_ends_with_it(self, runtime, settle):
        cancelled = []

        class Watched(ManualRuntime):
            def later(self, *args):
                timer = super().later(*args)
                cancelled.append(timer)
                return timer

        ack = Ack(Watched(), "confirm", "sid")
        ack.expire_after(60)
        settle(ack)
        assert [timer.cancelled for timer in cancelled] == [True]

    def test_one_that_is_done_already_needs_no_timer(self, make, runtime):
        ack = make()
        ack.answer([1])
        ack.expire_after(0)
        runtime.advance(1)
        assert ack.result() == 1

    def test_waiting_for_a_client_that_cannot_answer_yet_says_so(self, make):
        admitted = []
        ack = make()
        ack.wait_only_if(lambda: bool(admitted))
        with pytest.raises(WouldBlock, match="'sid' cannot answer 'confirm' before on_connect"):
            ack.result()
        with pytest.raises(WouldBlock):
            ack.exception()
        admitted.append(True)
        ack.answer([1])
        assert ack.result() == 1

    def test_so_does_awaiting_it(self, make):
        ack = make()
        ack.wait_only_if(lambda: False)

        async def wait():
            loop = asyncio.get_running_loop()
            loop.call_later(1, ack.cancel)
            await ack

        with pytest.raises(WouldBlock, match="before on_connect"):
            asyncio.run(wait())

    def test_what_is_known_may_be_had_even_then(self, make):
        ack = make()
        ack.wait_only_if(lambda: False)
        ack.fail(ClientGone("left"))
        with pytest.raises(ClientGone):
            ack.result()


@pytest.mark.parametrize("answered", [True, False])
def test_neither_kind_is_taken_for_its_answer(make, runtime, answered):
    ack = make()
    if answered:
        ack.answer([False])
    for one in (ack, all_of(runtime, [ack])):
        with pytest.raises(UsageError, match="is not the answer itself"):
            bool(one)


@pytest.mark.manual("others hold more than is measured")
def test_one_that_nobody_waits_for_costs_less_than_2_kb(runtime):
    application = Application({"/": Namespace}, runtime, Options())
    link = MemoryLink(lambda message: None, 2**20)
    link.receiver = application.accept(link, {})
    link.receiver.receive("0")
    runtime.settle()
    namespace = application.namespace("/")
    (sid,) = namespace.members()
    namespace.call("confirm", "sure?", room=sid)
    tracemalloc.start()
    try:
        for _ in range(1000):
            namespace.call("confirm", "sure?", room=sid, timeout=60)
        assert 500_000 < tracemalloc.get_traced_memory()[0] < 2_000_000
    finally:
        tracemalloc.stop()
    runtime.advance(61)


class TestAckTable:
    def test_an_answer_goes_to_the_call_of_its_number(self, make):
        table, first, second = AckTable(), make(), make()
        table.add(1, first)
        table.add(2, second)
        assert table.answer(2, ["two"])
        assert second.result() == "two"
        assert not first.done()

    def test_an_answer_counts_once_and_one_that_nobody_asked_for_not_at_all(self, make):
        table = AckTable()
        table.add(1, make())
        assert table.answer(1, [])
        assert not table.answer(1, [])
        assert not table.answer(7, [])

    @pytest.mark.parametrize("end", ["answer", "timeout", "cancel"])
    def test_a_call_that_is_done_is_not_kept(self, make, runtime, end):
        table = AckTable()
        ack = make(timeout=1)
        table.add(1, ack)
        assert len(table) == 1
        {
            "answer": lambda: table.answer(1, []),
            "timeout": lambda: runtime.advance(1),
            "cancel": ack.cancel,
        }[end]()
        assert len(table) == 0

    def test_closing_fails_every_call_and_every_later_one(self, make):
        table, acks = AckTable(), [make(), make()]
        for number, ack in enumerate(acks):
            table.add(number, ack)
        table.close()
        late = make()
        table.add(9, late)
        for ack in (*acks, late):
            with pytest.raises(ClientGone, match="'sid' left before it answered 'confirm'"):
                ack.result()
        assert len(table) == 0

    def test_answers_closing_and_giving_up_at_once_settle_each_call_once(self, runtime):
        for _ in range(20):
            table, acks, settled = AckTable(), [Ack(runtime, "e", "s") for _ in range(20)], []
            for number, ack in enumerate(acks):
                table.add(number, ack)
                ack.listen(lambda: settled.append(1))  # noqa: B023
            barrier = threading.Barrier(3)

            def run(steps, barrier=barrier):
                barrier.wait()
                for step in steps:
                    step()

            answers = [lambda n=n, t=table: t.answer(n, [n]) for n in range(20)]
            threads = [
                threading.Thread(target=run, args=(steps,))
                for steps in (answers, [ack.cancel for ack in reversed(acks)], [table.close])
            ]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            assert len(settled) == 20
            assert len(table) == 0
            assert all(ack.done() for ack in acks)


class TestBroadcastAck:
    def test_it_is_done_when_all_have_answered(self, make, runtime):
        acks = [make(sid) for sid in "abc"]
        broadcast = all_of(runtime, acks)
        for ack in acks:
            assert not broadcast.done()
            ack.answer([ack.sid.upper()])
        answers = broadcast.result()
        assert answers.values == {"a": "A", "b": "B", "c": "C"}
        assert answers.complete
        assert answers.missing == frozenset()

    def test_those_that_left_or_were_late_are_missing_and_no_error(self, make, runtime):
        acks = [make("a"), make("b"), make("c", timeout=5)]
        broadcast = all_of(runtime, acks)
        acks[0].answer([1])
        acks[1].fail(ClientGone())
        runtime.advance(5)
        answers = broadcast.result()
        assert answers.values == {"a": 1}
        assert answers.missing == {"b", "c"}
        assert not answers.complete

    def test_the_answers_so_far_can_be_had(self, make, runtime):
        acks = [make("a"), make("b")]
        broadcast = all_of(runtime, acks)
        acks[0].answer([None])
        assert broadcast.partial().values == {"a": None}
        assert broadcast.partial().missing == {"b"}
        assert not broadcast.done()

    def test_nobody_asked_is_done_at_once(self, runtime):
        assert all_of(runtime, []).result().complete

    def test_those_that_were_done_before_count(self, make, runtime):
        ack = make("a")
        ack.answer([1])
        assert all_of(runtime, [ack]).result().values == {"a": 1}

    def test_cancelling_cancels_all_that_still_wait(self, make, runtime):
        acks = [make("a"), make("b")]
        acks[0].answer([1])
        broadcast = all_of(runtime, acks)
        assert broadcast.cancel()
        assert not broadcast.cancel()
        assert acks[1].cancelled()
        assert acks[0].result() == 1
        with pytest.raises(CancelledError):
            broadcast.result()

    def test_it_can_be_awaited(self, make, runtime):
        acks = [make("a"), make("b")]
        broadcast = all_of(runtime, acks)

        async def wait():
            loop = asyncio.get_running_loop()
            for ack in acks:
                loop.call_soon(ack.answer, [1])
            return (await broadcast).values

        assert asyncio.run(wait()) == {"a": 1, "b": 1}
