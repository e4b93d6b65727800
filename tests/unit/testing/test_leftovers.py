"""Leaving the harness: what is not answered and what does not end."""

from __future__ import annotations

import asyncio

import pytest

from sionamespace import NO_REPLY, Namespace, Reply
from sionamespace.testing import Cluster, Harness, LeftBehind


class Broken(Exception):
    pass


class Jobs(Namespace):
    def on_never(self, sid):
        return NO_REPLY

    def on_later(self, sid):
        self.reply = Reply()
        return self.reply

    def on_ask(self, sid):
        return self.call("confirm", room=sid, timeout=5).result()

    async def on_ask_async(self, sid):
        return await self.call("confirm", room=sid, timeout=5)

    def on_ask_nobody_waits(self, sid):
        self.call("confirm", room=sid, timeout=5)

    def on_wait(self, sid):
        self.sleep(500)

    def on_hang(self, sid):
        self.spawn(print, "").result()
        self._for_ever()

    def on_tick(self, sid):
        self.spawn(self._tick)

    def on_tick_async(self, sid):
        self.spawn(self._tick_async)

    def on_watch(self, sid):
        self.spawn(self._watch)

    def on_fail(self, sid):
        self.spawn(self._fail)

    def _for_ever(self):
        while True:
            self.sleep(1)

    def _tick(self):
        self._for_ever()

    async def _tick_async(self):
        while True:
            await asyncio.sleep(1)

    def _watch(self):
        while self.members():
            self.sleep(1)

    def _fail(self):
        raise Broken("in the background")


def complaint(use):
    """What leaving a harness says after ``use(client)``."""
    with pytest.raises(LeftBehind) as caught, Harness(Jobs()) as harness:
        use(harness.connect(auth={"name": "Ann"}))
    return str(caught.value)


class TestAnswers:
    @pytest.mark.parametrize("event", ["ask", "ask_async"])
    def test_a_handler_that_still_waits_is_named_with_its_line(self, event):
        text = complaint(lambda client: client.request(event))
        assert f"auth={{'name': 'Ann'}}> has no answer to '{event}': its handler on_{event}" in text
        assert "test_leftovers.py" in text
        assert f"in on_{event}: return" in text
        assert 'self.call("confirm", room=sid, timeout=5)' in text
        assert "has not answered the server's 'confirm'" in text
        assert f"harness.allow_unfinished('{event}')" in text

    def test_a_reply_that_nobody_sent_is_named(self):
        text = complaint(lambda client: client.request("later"))
        assert "has no answer to 'later': its handler returned a Reply that nobody has sent" in text

    def test_an_event_that_nothing_handles_is_named_with_those_there_are(self):
        text = complaint(lambda client: client.request("askk"))
        assert "nothing handles it; there are: ask, ask_async" in text

    def test_a_call_that_nobody_waits_for_is_named_too(self):
        text = complaint(lambda client: client.emit("ask_nobody_waits"))
        assert "client.answers('confirm', ...)" in text

    def test_what_was_answered_in_the_end_is_no_fault(self):
        with Harness(Jobs()) as harness:
            client = harness.connect()
            later, ask = client.request("later"), client.request("ask")
            harness.namespace().reply.send("now")
            client.last("confirm").answer(True)
            assert (later.answer, ask.answer) == ("now", True)

    def test_no_answer_on_purpose_is_no_fault(self):
        with Harness(Jobs()) as harness:
            client = harness.connect()
            with pytest.raises(AssertionError, match="returned NO_REPLY"):
                client.call("never")
            client.request("never")

    def test_what_the_test_has_been_told_is_not_said_again(self):
        with Harness(Jobs()) as harness, pytest.raises(AssertionError, match="nobody has sent"):
            harness.connect().call("later")

    def test_who_has_left_waits_for_nothing(self):
        with Harness(Jobs()) as harness:
            client = harness.connect()
            client.request("later")
            client.disconnect()


class TestWhatRunsOn:
    @pytest.mark.parametrize(
        ("event", "function", "place"),
        [
            ("hang", "_for_ever and on_hang", "in _for_ever: self.sleep(1)"),
            ("tick", "_for_ever and _tick", "in _for_ever: self.sleep(1)"),
            ("tick_async", "_tick_async", "in _tick_async: await asyncio.sleep(1)"),
        ],
    )
    def test_what_never_ends_is_named_with_its_line(self, event, function, place):
        text = complaint(lambda client: client.emit(event))
        assert f"{function} still runs, at test_leftovers.py:" in text
        assert place in text

    @pytest.mark.parametrize("event", ["wait", "watch"])
    def test_what_ends_by_itself_when_time_goes_on_and_all_have_left_is_no_fault(self, event):
        with Harness(Jobs()) as harness:
            harness.connect().emit(event)

    def test_it_does_not_go_on_when_the_harness_is_closed_by_hand(self):
        harness = Harness(Jobs())
        harness.connect().emit("tick")
        harness.close()

    def test_a_test_that_fails_is_not_told_on_top(self):
        def test():
            with Harness(Jobs()) as harness:
                harness.connect().emit("tick")
                raise Broken

        with pytest.raises(Broken):
            test()


class TestSeveralServers:
    @pytest.mark.parametrize("number", [0, 1])
    def test_what_ends_with_the_clients_of_any_of_them_is_no_fault(self, number):
        with Cluster(Jobs) as cluster:
            cluster.node(number).connect().emit("watch")

    @pytest.mark.parametrize("number", [0, 1])
    def test_what_is_left_on_any_of_them_is_named(self, number):
        for event, text in [("later", "has no answer to 'later'"), ("tick", "_tick still runs")]:
            with pytest.raises(LeftBehind, match=text), Cluster(Jobs) as cluster:
                cluster.node(number).connect().request(event)

    def test_what_one_of_them_may_leave_is_no_fault(self):
        with Cluster(Jobs) as cluster:
            cluster.node(1).allow_unfinished("tick", "_tick").connect().emit("tick")


class TestMeant:
    @pytest.mark.parametrize("names", [("later", "_tick", "ask", "confirm"), ()])
    def test_events_and_functions_that_may_stay_are_no_fault(self, names):
        with Harness(Jobs()).allow_unfinished(*names) as harness:
            client = harness.connect()
            for event in ("later", "tick", "ask"):
                client.request(event)

    def test_others_are(self):
        harness = Harness(Jobs()).allow_unfinished("later")
        client = harness.connect()
        client.request("later")
        client.emit("tick")
        with pytest.raises(AssertionError, match="_tick still runs"):
            harness.finish()


def test_a_background_task_that_fails_fails_the_test():
    with Harness(Jobs()) as harness, pytest.raises(Broken, match="in the background"):
        harness.connect().emit("fail")


def test_a_failure_shows_the_applications_frames_and_none_of_ours():
    with Harness(Jobs()) as harness, pytest.raises(Broken) as caught:
        harness.connect().emit("fail")
    shown = [str(entry.path) for entry in caught.traceback.filter(caught)]
    assert [path for path in shown if "sionamespace/" in path.rpartition("tests/")[2]] == []
    assert caught.traceback[-1].name == "_fail"
