"""What a namespace says to its clients, and knows of them."""

from __future__ import annotations

import threading

import attrs
import pytest

from sionamespace import (
    AckTimeout,
    ClientGone,
    ConfigurationError,
    Namespace,
    NotConnected,
    UsageError,
    WouldBlock,
)
from sionamespace.testing import Harness

pytestmark = pytest.mark.every_runtime


class Plain(Namespace):
    def on_ask(self, sid, timeout=None):
        return self.call("question", "sure?", room=sid).result(timeout)

    async def on_ask_async(self, sid):
        return await self.call("question", "sure?", room=sid, timeout=5)

    async def on_block(self, sid):
        return self.call("question", room=sid).result()

    async def on_block_sleep(self, sid):
        self.sleep(1)


@pytest.fixture
def harness():
    with Harness(Plain()) as h:
        yield h


@pytest.fixture
def ns(harness):
    return harness.namespace()


@pytest.fixture
def clients(harness):
    return [harness.connect() for _ in range(4)]


def heard(clients, event="news"):
    return [len(client.received(event)) for client in clients]


# emit and send


def test_emit_reaches_everybody(ns, clients):
    ns.emit("news", 1, "zwei", [3])
    assert [c.last("news").args for c in clients] == [(1, "zwei", [3])] * 4


def test_emit_to_a_room_a_sid_or_several_reaches_each_once(ns, clients):
    a, b, c, _ = clients
    ns.enter_room(a.sid, ["x", "y"])
    ns.enter_room(b.sid, "y")
    ns.emit("news", room="x")
    assert heard(clients) == [1, 0, 0, 0]
    ns.emit("news", room=["x", "y", c.sid])
    assert heard(clients) == [2, 1, 1, 0]
    ns.emit("news", room=c.sid)
    assert heard(clients) == [2, 1, 2, 0]


def test_an_empty_list_of_rooms_is_nobody(ns, clients):
    ns.emit("news", room=[])
    ns.to().emit("news")
    assert heard(clients) == [0, 0, 0, 0]


def test_some_may_be_skipped(ns, clients):
    a, b, *_ = clients
    ns.emit("news", skip_sid=a.sid)
    ns.emit("news", skip_sid=[a.sid, b.sid])
    assert heard(clients) == [0, 1, 2, 2]


def test_send_is_the_event_message(ns, clients):
    ns.send("hi", room=clients[0].sid)
    assert clients[0].last("message").args == ("hi",)


def test_binary_objects_and_unicode_arrive(ns, clients):
    @attrs.frozen
    class Picture:
        name: str
        data: bytes

    ns.emit("news", {"deep": [Picture("ü😀", b"\x00\x01")]}, b"", bytearray(b"ab"))
    assert clients[0].last("news").args == (
        {"deep": [{"name": "ü😀", "data": b"\x00\x01"}]},
        b"",
        b"ab",
    )


@pytest.mark.parametrize("name", ["connect", "disconnect", "connect_error", 7, None])
def test_a_reserved_or_wrong_name_cannot_be_sent(ns, name):
    with pytest.raises(UsageError, match="cannot send an event named"):
        ns.emit(name)


@pytest.mark.parametrize("value", [object(), {1j: 1}, {"a": [lambda: 0]}, "\ud800"])
def test_a_value_that_cannot_be_sent_is_an_error_in_the_caller(ns, clients, value):
    with pytest.raises(UsageError, match="cannot send"):
        ns.emit("news", value)
    assert heard(clients) == [0, 0, 0, 0]


def test_an_answer_that_is_still_to_come_is_no_value_and_the_error_says_so(ns, clients):
    clients[0].answers("confirm", True)
    sure = ns.call("confirm", room=clients[0].sid)
    with pytest.raises(UsageError, match=r"cannot send .* to come: send its result\(\), or"):
        ns.emit("news", {"sure": sure})


@pytest.mark.parametrize("room", [[7], 7, ["lobby", None]])
def test_a_room_is_a_text(ns, room):
    with pytest.raises(UsageError, match="a room or sid is a string, not "):
        ns.emit("news", room=room)
    with pytest.raises(UsageError, match="a room or sid is a string, not "):
        ns.emit("news", skip_sid=room)


def test_a_volatile_event_is_dropped_for_a_client_that_cannot_take_it(ns, clients):
    clients[0].pause()
    ns.emit("news", "volatile", volatile=True)
    ns.emit("news", "kept")
    clients[0].resume()
    assert [e.args[0] for e in clients[0].received("news")] == ["kept"]
    assert [e.args[0] for e in clients[1].received("news")] == ["volatile", "kept"]


def test_a_client_that_reads_nothing_is_closed_when_too_much_waits():
    with Harness(Plain(), max_outbox_bytes=1000) as h:
        slow, other = h.connect(), h.connect()
        slow.pause()
        for _ in range(11):
            h.namespace().emit("news", "x" * 100)
        assert slow.closed == "slow consumer"
        assert len(other.received("news")) == 11


# call


def test_call_gives_the_answer(ns, clients):
    clients[0].answers("question", "yes")
    ack = ns.call("question", "sure?", room=clients[0].sid)
    assert ack.result() == "yes"
    assert ack.done()
    assert ack.exception() is None


@pytest.mark.parametrize(("values", "expected"), [((), None), ((1,), 1), ((1, [2]), (1, [2]))])
def test_the_answer_has_the_form_of_its_arguments(ns, clients, values, expected):
    ack = ns.call("question", room=clients[0].sid)
    clients[0].last("question").answer(*values)
    assert ack.result() == expected


def test_an_ack_is_not_taken_for_its_answer(ns, clients):
    clients[0].answers("question", False)
    ack = ns.call("question", room=clients[0].sid)
    with pytest.raises(UsageError, match=r"get it with \.result\(\)"):
        bool(ack)


def test_a_handler_may_wait_for_its_own_client(clients):
    clients[0].answers("question", lambda text: text + " yes")
    assert clients[0].call("ask") == "sure? yes"
    assert clients[0].call("ask_async") == "sure? yes"


def test_no_answer_in_time_is_an_ack_timeout(harness, ns, clients):
    ack = ns.call("question", room=clients[0].sid, timeout=3)
    harness.advance(2.9)
    assert not ack.done()
    harness.advance(0.2)
    assert isinstance(ack.exception(), AckTimeout)
    with pytest.raises(TimeoutError, match="did not answer 'question' within 3 s"):
        ack.result()
    clients[0].last("question").answer("too late")


def test_waiting_less_than_the_ack_lives_does_not_end_it(harness, ns, clients):
    ack = ns.call("question", room=clients[0].sid, timeout=60)
    with pytest.raises(AckTimeout, match="within 1 s"):
        ack.result(timeout=1)
    clients[0].last("question").answer("after all")
    assert ack.result() == "after all"


def test_a_client_that_leaves_ends_the_ack_at_once(ns, clients):
    ack = ns.call("question", room=clients[0].sid)
    clients[0].drop()
    with pytest.raises(ClientGone, match="left before it answered 'question'"):
        ack.result()


def test_a_client_that_is_not_there_is_gone(ns, clients):
    with pytest.raises(ClientGone, match="there is no client 'nobody' in /"):
        ns.call("question", room="nobody").result()


def test_a_room_with_several_is_an_error_that_names_call_all(ns, clients):
    for client in clients[:2]:
        ns.enter_room(client.sid, "x")
    with pytest.raises(UsageError, match="call_all"):
        ns.call("question", room="x")
    ns.leave_room(clients[1].sid, "x")
    ack = ns.call("question", room="x")
    clients[0].last("question").answer(1)
    assert ack.result() == 1


def test_an_ack_may_be_cancelled_and_called_back(harness, ns, clients):
    ack = ns.call("question", room=clients[0].sid)
    heard_of = []
    ack.add_done_callback(heard_of.append)
    assert ack.cancel()
    assert ack.cancelled()
    assert not ack.cancel()
    harness.settle()
    assert heard_of == [ack]


def test_waiting_on_an_event_loop_is_refused_with_the_mend(harness, clients):
    harness.allow_unfinished("question")
    with pytest.raises(WouldBlock, match="await"):
        clients[0].call("block")
    with pytest.raises(WouldBlock, match="await"):
        clients[0].call("block_sleep")


# rooms


def test_a_client_is_alone_in_the_room_named_by_its_sid(ns, clients):
    a, b, *_ = clients
    assert ns.rooms(a.sid) == {a.sid}
    with pytest.raises(UsageError, match="another client's own"):
        ns.enter_room(b.sid, a.sid)
    with pytest.raises(UsageError, match="cannot leave"):
        ns.leave_room(a.sid, a.sid)
    with pytest.raises(UsageError, match="cannot be closed"):
        ns.close_room(a.sid)


def test_rooms_are_entered_left_closed_and_listed(ns, clients):
    a, b, *_ = clients
    ns.enter_room(a.sid, "x")
    ns.enter_room(b.sid, ("x", "y"))
    assert ns.members("x") == {a.sid, b.sid}
    assert ns.members(["x", "y"]) == {a.sid, b.sid}
    assert len(ns.members()) == 4
    ns.leave_room(b.sid, "x")
    assert ns.rooms(b.sid) == {b.sid, "y"}
    ns.close_room("x")
    assert ns.members("x") == frozenset()
    assert a.connected


@pytest.mark.parametrize(
    "action",
    [
        lambda ns: ns.enter_room("nobody", "x"),
        lambda ns: ns.leave_room("nobody", "x"),
        lambda ns: ns.rooms("nobody"),
        lambda ns: ns.session("nobody"),
        lambda ns: ns.client("nobody"),
    ],
)
def test_a_client_that_is_not_there_is_not_connected(ns, action):
    with pytest.raises(NotConnected, match="'nobody' is not connected to /"):
        action(ns)


# single clients


def test_the_session_is_the_clients_own_dict(ns, clients):
    a, b, *_ = clients
    ns.session(a.sid)["name"] = "Ann"
    assert ns.session(a.sid) == {"name": "Ann"} == a.session
    assert ns.session(b.sid) == {}


def test_what_is_known_of_a_client(harness, ns):
    client = harness.connect(auth={"token": "t"}, headers={"Cookie": "a=b"})
    ns.enter_room(client.sid, "x")
    known = ns.client(client.sid)
    assert known.sid == client.sid
    assert known.auth == {"token": "t"}
    assert known.environ["HTTP_COOKIE"] == "a=b"
    assert known.rooms == {client.sid, "x"}
    assert (known.transport, known.protocol) == ("websocket", 5)
    assert known.connected_at > 1_700_000_000
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        known.sid = "other"
    assert "HTTP_COOKIE" not in repr(known)


# time and threads


def test_spawn_runs_in_the_background_and_gives_the_result(harness, ns):
    def work(a, b):
        ns.sleep(2)
        return a + b

    async def async_work():
        return "async"

    pending = ns.spawn(work, 1, b=2)
    assert not pending.done()
    assert pending.result() == 3
    assert ns.spawn(async_work).result() == "async"


def test_emit_from_another_thread_arrives(harness, ns, clients):
    thread = threading.Thread(target=lambda: ns.emit("news", "from a thread"))
    thread.start()
    thread.join()
    assert heard(clients) == [1, 1, 1, 1]


# mounting


def test_it_knows_its_path_and_its_neighbours(mode):
    class One(Namespace): ...

    class Two(Namespace): ...

    with Harness({"/one": One, "/two": Two()}) as h:
        one = h.namespace("/one")
        assert one.path == "/one"
        assert one.server.namespace("/two").path == "/two"
        assert one.server.async_mode == mode


@pytest.mark.parametrize(
    "use",
    [lambda ns: ns.emit("x"), lambda ns: ns.path, lambda ns: ns.server, lambda ns: ns.to("x")],
)
def test_before_it_is_mounted_it_says_what_to_do(use):
    with pytest.raises(ConfigurationError, match="is not mounted yet; give it to a Server"):
        use(Plain())


def test_an_instance_is_mounted_once():
    one = Plain()
    with pytest.raises(ConfigurationError, match="is mounted at /a already"):
        Harness({"/a": one, "/b": one})


def test_a_subclass_needs_no_super_init():
    class Chat(Namespace):
        def __init__(self, history):
            self.history = history

        def on_get(self, sid):
            return self.history

    with Harness(Chat([1])) as h:
        assert h.connect().call("get") == [1]
