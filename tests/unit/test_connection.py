"""Clients come and go, and what they send is taken in order."""

from __future__ import annotations

import asyncio

import pytest

from sionamespace import ClientGone, Namespace, NotConnected, Reason, Refused, WouldBlock, event
from sionamespace.runtime.line import PATIENCE
from sionamespace.testing import Harness
from sionamespace.testing.runtime import ManualRuntime

pytestmark = pytest.mark.every_runtime


class Gate(Namespace):
    """Lets in, or refuses, as the client asks; and keeps a diary."""

    def __init__(self):
        self.diary = []

    def on_connect(self, sid, environ, auth):
        wish = (auth or {}).get("wish")
        if wish == "false":
            return False
        if wish == "refused":
            raise Refused("no seats", {"seats": 0})
        if wish == "unsendable":
            raise Refused("no seats", object())
        if wish == "boom":
            raise ValueError("a secret")
        if wish == "slow":
            self.sleep(5)
        if wish == "send away":
            self.disconnect(sid)
        self.emit("first", room=sid)
        self.emit("second", room=sid)
        self.diary.append(("connect", wish))
        return None

    def on_note(self, sid, text):
        self.diary.append(("note", text))
        return text

    def on_nap(self, sid, seconds):
        self.sleep(seconds)
        self.diary.append(("nap", seconds))

    def on_ask(self, sid):
        answer = self.call("question", room=sid, timeout=60).result()
        self.diary.append(("ask", answer))
        return answer

    @event(concurrent=True)
    def on_overtake(self, sid):
        self.diary.append(("overtake", None))

    def on_disconnect(self, sid, reason):
        self.diary.append(("disconnect", reason))
        self.last_rooms = self.rooms(sid)
        self.last_session = self.session(sid)


@pytest.fixture
def gate():
    return Gate()


@pytest.fixture
def harness(gate):
    with Harness({"/gate": gate, "/": Gate()}) as h:
        yield h


# Coming.


def test_a_client_is_let_in_and_gets_an_id_of_its_own(harness):
    one, two = harness.connect("/gate"), harness.connect("/gate")
    assert one.connected
    assert one.sid != two.sid
    assert harness.namespace("/gate").members() == {one.sid, two.sid}


def test_on_connect_may_take_fewer_arguments():
    class Bare(Namespace):
        def on_connect(self):
            self.came = True

    class OnlySid(Namespace):
        def on_connect(self, sid):
            self.came = sid

    class All(Namespace):
        def on_connect(self, *args):
            self.came = args

    with Harness({"/bare": Bare, "/sid": OnlySid, "/all": All}) as h:
        assert h.connect("/bare").connected
        assert h.namespace("/bare").came
        client = h.connect("/sid")
        assert h.namespace("/sid").came == client.sid
        client = h.connect("/all", auth={"a": 1}, headers={"X-Token": "t"})
        sid, environ, auth = h.namespace("/all").came
        assert (sid, auth, environ["HTTP_X_TOKEN"]) == (client.sid, {"a": 1}, "t")


def test_a_namespace_without_on_connect_lets_everybody_in():
    class Open(Namespace): ...

    with Harness(Open()) as h:
        assert h.connect().connected


def test_what_is_emitted_in_on_connect_follows_the_connect_packet_in_order(harness):
    assert [e.name for e in harness.connect("/gate").received()] == ["first", "second"]


def test_what_others_emit_meanwhile_follows_it_too(harness):
    slow = harness.connect("/gate", auth={"wish": "slow"})
    harness.namespace("/gate").emit("meanwhile")
    assert not slow.connected
    assert slow.received() == []
    harness.advance(5)
    assert [e.name for e in slow.received()] == ["meanwhile", "first", "second"]


@pytest.mark.parametrize(
    ("wish", "message", "data"),
    [
        ("false", "connection refused by the server", None),
        ("refused", "no seats", {"seats": 0}),
    ],
)
def test_a_refused_client_gets_the_reason_and_nothing_else(harness, gate, wish, message, data):
    client = harness.connect("/gate", auth={"wish": wish})
    assert not client.connected
    assert (client.refused.message, client.refused.data) == (message, data)
    assert client.received() == []
    assert gate.members() == frozenset()
    client.drop()
    assert gate.diary == [], "no on_disconnect for a client that was never in"


def test_an_exception_in_on_connect_refuses_without_its_text(gate):
    with Harness({"/gate": gate}, raise_errors=False) as h:
        client = h.connect(auth={"wish": "boom"})
        assert client.refused.message == "internal error"
        assert isinstance(h.errors[0], ValueError)
        assert gate.members() == frozenset()


def test_an_event_for_a_namespace_that_refused_closes(harness):
    client = harness.connect("/gate", auth={"wish": "false"})
    client.send_raw('2/gate,["note","x"]')
    assert client.closed == Reason.PARSE_ERROR


def test_refusal_data_that_cannot_be_sent_is_left_out_and_logged(harness, caplog):
    client = harness.connect("/gate", auth={"wish": "unsendable"})
    assert (client.refused.message, client.refused.data) == ("no seats", None)
    assert "the data of a refusal cannot be sent" in caplog.text


def test_a_refused_client_may_try_again_on_the_same_connection(harness):
    first = harness.connect("/gate", auth={"wish": "false"})
    second = harness.connect("/gate", auth={}, on=first)
    assert second.connected


def test_an_unknown_namespace_is_invalid_and_the_connection_lives_on(harness, caplog):
    client = harness.connect("/gate")
    stranger = harness.connect("/nowhere", on=client)
    assert stranger.refused.message == "Invalid namespace"
    assert client.call("note", "x") == "x"
    assert "/nowhere" in caplog.text


def test_one_connection_joins_several_namespaces_with_an_id_in_each(harness):
    gate = harness.connect("/gate")
    root = harness.connect("/", on=gate)
    assert root.sid != gate.sid
    root.disconnect()
    assert gate.connected
    assert gate.call("note", "still here") == "still here"


def test_too_many_namespaces_are_refused():
    routes = {f"/{n}": Gate for n in range(4)}
    with Harness(routes, max_namespaces=3) as h:
        first = h.connect("/0")
        rest = [h.connect(f"/{n}", on=first) for n in (1, 2, 3)]
        assert [c.connected for c in rest] == [True, True, False]
        assert rest[2].refused.message == "too many namespaces on one connection"


def test_joining_and_leaving_without_end_is_refused_while_handlers_are_at_work():
    begun = []

    class Slow(Namespace):
        def on_connect(self, sid):
            begun.append(sid)
            self.sleep(1)

    with Harness({"/": Gate(), "/slow": Slow()}, max_namespaces=3) as h:
        client = h.connect("/")
        for _ in range(5):  # and one it stays in: twice three
            h.connect("/slow", on=client).disconnect()
        one_more = h.connect("/slow", on=client)
        assert one_more.refused.message == "too many namespaces on one connection"
        assert len(begun) == 5
        h.advance(1)
        again = h.connect("/slow", on=client)
        h.advance(1)
        assert again.connected


def test_who_leaves_all_namespaces_may_join_them_again_at_once():
    class Lingering(Namespace):
        def on_disconnect(self, sid, reason):
            self.sleep(1)

    with Harness({f"/{n}": Lingering() for n in range(3)}, max_namespaces=3) as h:
        first = h.connect("/0")
        rest = [h.connect(f"/{n}", on=first) for n in (1, 2)]
        for client in (first, *rest):
            client.disconnect()
        assert all(h.connect(f"/{n}", on=first).connected for n in range(3))


def test_a_connection_that_joins_nothing_is_closed_in_time(harness):
    client = harness.connect("/gate", auth={"wish": "false"})
    harness.advance(44)
    assert client.closed is None
    harness.advance(2)
    assert client.closed == Reason.CONNECT_TIMEOUT


def test_a_connection_that_joined_is_not(harness):
    client = harness.connect("/gate")
    harness.advance(100)
    assert client.closed is None


def test_waiting_for_a_client_inside_on_connect_is_refused_with_the_mend():
    class Eager(Namespace):
        def on_connect(self, sid):
            self.call("question", room=sid).result()

    with Harness(Eager()) as h, pytest.raises(WouldBlock, match="before on_connect has returned"):
        h.connect()


def test_in_async_on_connect_it_is_refused_too():
    class Eager(Namespace):
        async def on_connect(self, sid):
            await self.call("question", room=sid)

    with Harness(Eager()) as h, pytest.raises(WouldBlock, match="before on_connect has returned"):
        h.connect()


@pytest.mark.parametrize("asking", ["ask", "ask_async"])
def test_what_on_connect_spawns_may_wait_for_the_client(asking):
    class Spawning(Namespace):
        def on_connect(self, sid):
            self.answer = self.spawn(getattr(self, asking), sid)
            self.sleep(1)  # so that it asks before this has returned

        def ask(self, sid):
            return self.call("question", room=sid).result()

        async def ask_async(self, sid):
            return await self.call("question", room=sid)

    with Harness(Spawning()) as h:
        client = h.connect()
        client.answers("question", 42)
        h.advance(1)
        assert h.namespace().answer.result() == 42


@pytest.mark.parametrize("name", ["ask", "ask_async"])
def test_another_clients_handler_may_wait_for_one_that_is_connecting(name):
    class Slow(Namespace):
        def on_connect(self, sid, environ, auth):
            if auth:
                self.slow = sid
                self.sleep(1)

        def on_ask(self, sid):
            return self.call("question", room=self.slow).result()

        async def on_ask_async(self, sid):
            return await self.call("question", room=self.slow)

    with Harness(Slow()) as h:
        ann, slow = h.connect(), h.connect(auth={"slow": True})
        slow.answers("question", 42)
        request = ann.request(name)
        assert not request.answered
        h.advance(1)
        assert request.answer == 42


@pytest.mark.parametrize("name", ["say", "say_async"])
def test_what_a_handler_emits_comes_before_its_answer(name):
    class Saying(Namespace):
        def on_say(self, sid):
            self.emit("said", room=sid)

        async def on_say_async(self, sid):
            self.emit("said", room=sid)

    with Harness(Saying()) as h:
        client = h.connect("/")
        for _ in range(50):  # which of two threads is faster is a matter of luck
            client.clear()
            request = client.request(name)
            assert (request.answered, len(client.received("said"))) == (True, 1)


@pytest.mark.manual("it is made to be as slow as other threads may be")
def test_who_leaves_while_it_is_let_in_by_another_thread_is_missed(monkeypatch):
    class Elsewhere(ManualRuntime):
        """Handlers run on none of the engine's threads: what they do to it comes later."""

        def here(self):
            return False

    class Slow(Namespace):
        left = None

        def on_connect(self, sid):
            self.sleep(1)

        def on_disconnect(self, sid, reason):
            self.left = reason

    monkeypatch.setattr(Harness, "make_runtime", Elsewhere)
    with Harness(Slow()) as h:
        h.connect().drop()
        h.advance(1)
        assert h.namespace().left == Reason.TRANSPORT_CLOSE


def test_a_call_begun_in_on_connect_may_be_answered_after_it():
    class Patient(Namespace):
        def on_connect(self, sid):
            self.call("question", room=sid).add_done_callback(self.keep)

        def keep(self, ack):
            self.answer = ack.result()

    with Harness(Patient()) as h:
        client = h.connect("/")
        client.last("question").answer(42)
        assert h.namespace().answer == 42


# Going.


def test_the_rooms_and_the_session_are_still_there_in_on_disconnect(harness, gate):
    client = harness.connect("/gate")
    gate.enter_room(client.sid, "lobby")
    gate.session(client.sid)["name"] = "Ann"
    client.disconnect()
    assert gate.last_rooms == {"lobby", client.sid}
    assert gate.last_session == {"name": "Ann"}
    assert gate.members() == gate.members("lobby") == frozenset()


@pytest.mark.parametrize(
    "reason",
    [
        Reason.TRANSPORT_CLOSE,
        Reason.TRANSPORT_ERROR,
        Reason.PING_TIMEOUT,
        Reason.TOO_LARGE,
        Reason.SLOW_CONSUMER,
    ],
)
def test_on_disconnect_gets_the_reason_of_the_engine(harness, gate, reason):
    harness.connect("/gate").drop(reason)
    assert gate.diary[-1] == ("disconnect", reason)


def test_on_disconnect_gets_who_ended_it(harness, gate):
    harness.connect("/gate").disconnect()
    assert gate.diary[-1] == ("disconnect", Reason.CLIENT)
    client = harness.connect("/gate")
    gate.disconnect(client.sid)
    harness.settle()
    assert gate.diary[-1] == ("disconnect", Reason.SERVER)
    assert not client.connected
    assert client.closed is None


def test_the_server_may_end_the_whole_connection(harness, gate):
    client = harness.connect("/gate")
    other = harness.connect("/", on=client)
    gate.disconnect(client.sid, close=True)
    harness.settle()
    assert client.closed == Reason.SERVER
    assert harness.namespace("/").diary[-1] == ("disconnect", Reason.SERVER)
    assert not other.connected


def test_sending_away_a_client_that_has_left_is_no_error(harness, gate):
    client = harness.connect("/gate")
    client.drop()
    gate.disconnect(client.sid)


def test_on_disconnect_runs_once(harness, gate):
    client = harness.connect("/gate")
    gate.disconnect(client.sid)
    client.drop()
    assert [entry for entry in gate.diary if entry[0] == "disconnect"] == [
        ("disconnect", Reason.SERVER)
    ]


def test_a_client_may_come_back_on_the_same_connection(harness, gate):
    client = harness.connect("/gate")
    client.disconnect()
    again = harness.connect("/gate", on=client)
    assert again.connected
    assert again.sid != client.sid
    gate.disconnect(again.sid)
    harness.settle()
    assert harness.connect("/gate", on=client).connected


def test_a_client_may_come_back_while_on_disconnect_still_runs():
    class Slow(Namespace):
        def on_disconnect(self, sid):
            self.sleep(10)

    with Harness(Slow()) as h:
        client = h.connect("/")
        client.disconnect()
        again = h.connect(on=client)
        assert again.connected
        h.advance(10)
        assert h.namespace().members() == {again.sid}


def test_asking_twice_before_the_answer_is_asking_once(harness, gate):
    client = harness.connect("/gate", auth={"wish": "slow"})
    client.send_raw('0/gate,{"wish":"other"}')
    harness.advance(5)
    assert client.connected
    assert gate.diary == [("connect", "slow")]


def test_asking_again_is_coming_anew(harness, gate):
    client = harness.connect("/gate")
    first = client.sid
    client.send_raw("0/gate,")
    assert client.connected
    assert client.sid != first
    assert gate.members() == {client.sid}
    assert gate.diary == [("connect", None), ("disconnect", Reason.CLIENT), ("connect", None)]


def test_sent_away_inside_on_connect_it_comes_and_goes(harness, gate):
    client = harness.connect("/gate", auth={"wish": "send away"})
    assert not client.connected
    assert client.refused is None
    assert gate.diary == [("connect", "send away"), ("disconnect", Reason.SERVER)]


def test_lost_during_on_connect_it_comes_and_goes(harness, gate):
    client = harness.connect("/gate", auth={"wish": "slow"})
    client.drop()
    assert gate.diary == []
    harness.advance(5)
    assert gate.diary == [("connect", "slow"), ("disconnect", Reason.TRANSPORT_CLOSE)]
    assert gate.members() == frozenset()


def test_what_was_on_its_way_when_the_server_sent_it_away_is_ignored(harness, gate):
    client = harness.connect("/gate")
    other = harness.connect("/", on=client)
    gate.disconnect(client.sid)
    client.send_raw('2/gate,["note","late"]')
    assert ("note", "late") not in gate.diary
    assert other.call("note", "x") == "x"


def test_an_exception_in_on_disconnect_loses_nothing():
    class Clumsy(Namespace):
        def on_disconnect(self, sid):
            raise ValueError

    with Harness(Clumsy(), raise_errors=False) as h:
        h.connect().drop()
        assert isinstance(h.errors[0], ValueError)
        assert h.namespace().members() == frozenset()


# The line.


def test_events_of_one_client_run_one_at_a_time_in_order(harness, gate):
    client = harness.connect("/gate")
    gate.diary.clear()
    client.emit("nap", 2)
    client.emit("note", "after")
    assert gate.diary == []
    harness.advance(2)
    assert gate.diary == [("nap", 2), ("note", "after")]


def test_events_of_different_clients_do_not_wait_for_each_other(harness, gate):
    sleeper, other = harness.connect("/gate"), harness.connect("/gate")
    sleeper.emit("nap", 2)
    assert other.call("note", "now") == "now"


def test_nor_do_those_of_one_client_in_different_namespaces(harness):
    client = harness.connect("/gate")
    other = harness.connect("/", on=client)
    client.emit("nap", 2)
    assert other.call("note", "now") == "now"


def test_a_concurrent_handler_overtakes(harness, gate):
    client = harness.connect("/gate")
    gate.diary.clear()
    client.emit("nap", 2)
    client.emit("overtake")
    harness.advance(2)
    assert gate.diary == [("overtake", None), ("nap", 2)]


def test_an_answer_never_stands_in_the_line(harness):
    client = harness.connect("/gate")
    request = client.request("ask")
    client.emit("note", "behind it")
    client.last("question").answer("yes")
    assert request.answer == "yes"


def test_what_was_sent_before_leaving_is_handled_before_on_disconnect(harness, gate):
    client = harness.connect("/gate")
    gate.diary.clear()
    client.emit("nap", 0.5)
    client.emit("note", "one")
    client.emit("note", "two")
    client.disconnect()
    assert gate.diary == []
    harness.advance(0.5)
    assert gate.diary == [
        ("nap", 0.5),
        ("note", "one"),
        ("note", "two"),
        ("disconnect", Reason.CLIENT),
    ]


def test_a_handler_that_does_not_end_keeps_on_disconnect_waiting_only_so_long(harness, gate):
    client = harness.connect("/gate")
    gate.diary.clear()
    client.emit("nap", 100)
    client.emit("note", "still handled")
    client.drop()
    harness.advance(PATIENCE)
    assert gate.diary == [("disconnect", Reason.TRANSPORT_CLOSE)]
    assert gate.members() == frozenset()
    assert gate.session(client.sid) == {}
    harness.advance(100)
    assert gate.diary[1:] == [("nap", 100), ("note", "still handled")]


def test_a_handler_that_waits_for_a_client_that_leaves_learns_it_at_once(gate):
    with Harness({"/gate": gate}, raise_errors=False) as h:
        client = h.connect()
        client.request("ask")
        client.drop()
        assert isinstance(h.errors[0], ClientGone)
        assert gate.diary[-1] == ("disconnect", Reason.TRANSPORT_CLOSE)


def test_a_client_that_floods_its_handlers_is_closed(gate):
    with Harness({"/gate": gate}, max_inbox_bytes=10_000) as h:
        flooder, other = h.connect(), h.connect()
        for _ in range(10):
            flooder.emit("note", "handled at once, so that nothing waits")
        flooder.emit("nap", 1)
        sent = 0
        while flooder.closed is None:
            flooder.emit("note", "waits")
            sent += 1
        assert flooder.closed == Reason.FLOODING
        assert 10 < sent < 20
        assert other.call("note", "unmoved") == "unmoved"


def test_what_is_held_back_for_a_client_that_does_not_come_is_bounded(gate):
    with Harness({"/gate": gate}, max_outbox_bytes=1000) as h:
        slow = h.connect(auth={"wish": "slow"})
        for _ in range(11):
            gate.emit("news", "x" * 100)
        assert slow.closed == Reason.SLOW_CONSUMER


# Broken packets.


@pytest.mark.parametrize(
    "raw",
    [
        "",
        "9",
        "2/gate,[true]",
        "2/gate,not json",
        "2/gate,{}",
        '2/gate,["connect",{"REMOTE_ADDR":"forged"},{"wish":"x"}]',
        '2/gate,["disconnect","x"]',
        '2/gate,["connect_error"]',
        '4/gate,{"message":"x"}',
        '2/never-joined,["note","x"]',
        "51-/gate,[]",
        '599-/gate,["note",{"_placeholder":true,"num":0}]',
        b"an attachment that nobody announced",
    ],
)
def test_a_packet_that_breaks_the_protocol_closes_the_connection_and_costs_one_line(
    harness, gate, caplog, raw
):
    offender, bystander = harness.connect("/gate"), harness.connect("/gate")
    gate.diary.clear()
    offender.send_raw(raw)
    assert offender.closed == Reason.PARSE_ERROR
    assert gate.diary == [("disconnect", Reason.PARSE_ERROR)]
    assert len(caplog.records) == 1
    assert caplog.records[0].exc_info is None
    assert bystander.call("note", "unmoved") == "unmoved"


def test_an_event_before_the_namespace_is_joined_closes_the_connection(harness):
    slow = harness.connect("/gate", auth={"wish": "slow"})
    slow.send_raw('2/gate,["note","early"]')
    assert slow.closed == Reason.PARSE_ERROR


def test_an_event_whose_name_is_a_number_too_large_for_a_float_is_only_unknown(harness, caplog):
    client = harness.connect("/gate")
    client.send_raw(f"2/gate,[1{'0' * 400}]")
    assert "nothing handles the event '1000" in caplog.text
    assert client.call("note", "x") == "x"


def test_an_answer_to_nothing_is_ignored(harness):
    client = harness.connect("/gate")
    client.send_raw("3/gate,77[1]")
    assert client.call("note", "x") == "x"


def test_nothing_is_taken_from_a_connection_that_has_ended(harness, gate):
    client = harness.connect("/gate")
    client.drop()
    before = list(gate.diary)
    client.send_raw('2/gate,["note","ghost"]')
    assert gate.diary == before


# What is to be called when a client has gone.


class Tidy(Namespace):
    def __init__(self):
        self.diary = []

    def on_connect(self, sid, environ, auth):
        self.after_disconnect(sid, self.note, sid, "first")
        self.after_disconnect(sid, self.note_async, sid, "second")
        if auth:
            self.after_disconnect(sid, self.fail)
        if auth == {"refused": True}:
            raise Refused

    def note(self, sid, text):
        self.rooms(sid), self.session(sid)
        self.diary.append(text)

    async def note_async(self, sid, text):
        self.note(sid, text)

    def fail(self):
        raise ValueError("a secret")

    def on_disconnect(self, sid):
        self.diary.append("on_disconnect")


def test_after_on_disconnect_what_was_asked_for_is_called_the_last_first():
    with Harness(Tidy()) as h:
        client = h.connect()
        tidy = h.namespace()
        assert tidy.diary == []
        client.drop()
        assert tidy.diary == ["on_disconnect", "second", "first"]
        with pytest.raises(NotConnected):
            tidy.after_disconnect(client.sid, tidy.fail)


@pytest.mark.parametrize("refused", [True, False])
def test_it_is_called_for_who_is_refused_too_and_may_fail(refused):
    with Harness(Tidy(), raise_errors=False) as h:
        client = h.connect(auth={"refused": refused})
        if not refused:
            client.drop()
        assert h.namespace().diary[-2:] == ["second", "first"]
        assert [str(error) for error in h.errors] == ["a secret"]
        assert h.namespace().diary.count("first") == 1


class Cancels(Namespace):
    """Awaits, as an end of something does, a task that it has cancelled."""

    async def on_connect(self, sid, environ, auth):
        if auth:
            await self.end()

    async def on_work(self, sid):
        await self.end()

    async def on_disconnect(self, sid, reason):
        await self.end()

    async def end(self):
        task = asyncio.ensure_future(asyncio.sleep(100))
        task.cancel()
        await task


def test_a_handler_that_awaits_a_cancelled_task_fails_and_leaves_nothing():
    with Harness(Cancels(), raise_errors=False, max_inbox_bytes=3000) as h:
        assert h.connect(auth={"end": True}).refused.message == "internal error"
        client = h.connect()
        for _ in range(10):
            assert client.request("work").refused.message == "internal error"
        client.drop()
        h.advance(PATIENCE)
        assert h.namespace().members() == set()
        assert [type(error).__name__ for error in h.errors] == ["CancelledError"] * 12
