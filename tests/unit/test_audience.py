"""Some clients at once."""

from __future__ import annotations

import pytest

from sionamespace import MemoryRoomManager, Namespace, NotConnected, UsageError
from sionamespace.testing import Harness

pytestmark = pytest.mark.every_runtime


@pytest.fixture
def harness():
    class Plain(Namespace): ...

    with Harness(Plain()) as h:
        yield h


@pytest.fixture
def ns(harness):
    return harness.namespace()


@pytest.fixture
def clients(harness, ns):
    clients = [harness.connect() for _ in range(4)]
    ns.enter_room(clients[0].sid, "x")
    ns.enter_room(clients[1].sid, ["x", "y"])
    ns.enter_room(clients[2].sid, "y")
    return clients


def heard(clients):
    return [len(client.received("news")) for client in clients]


def test_it_reaches_each_client_of_its_rooms_once(ns, clients):
    ns.to("x", "y").emit("news", 1)
    assert heard(clients) == [1, 1, 1, 0]
    ns.to("x").to(clients[3].sid).emit("news", 2)
    assert heard(clients) == [2, 2, 1, 1]


def test_it_leaves_out_whom_it_skips(ns, clients):
    ns.to("x", "y").skip(clients[1].sid).emit("news")
    assert heard(clients) == [1, 0, 1, 0]
    ns.everyone.skip(clients[0].sid).skip(clients[1].sid, clients[2].sid).emit("news")
    assert heard(clients) == [1, 0, 1, 1]


def test_a_room_that_it_skips_is_all_who_are_in_it(ns, clients):
    ns.everyone.skip("x").emit("news")
    assert heard(clients) == [0, 0, 1, 1]
    ns.to("x").skip("y", clients[0].sid).emit("news")
    assert heard(clients) == [0, 0, 1, 1]
    ns.emit("news", skip_sid=["x", clients[3].sid])
    assert heard(clients) == [0, 0, 2, 1]


def test_it_never_changes(ns, clients):
    x = ns.to("x")
    x.skip(clients[0].sid)
    x.to("y")
    x.emit("news")
    assert heard(clients) == [1, 1, 0, 0]


def test_it_finds_its_clients_anew_at_each_use(ns, clients):
    x = ns.to("x")
    ns.enter_room(clients[3].sid, "x")
    x.send("hi")
    assert clients[3].last("message").args == ("hi",)


def test_without_rooms_it_is_nobody_and_everyone_is_everyone(ns, clients):
    teams: list[str] = []
    ns.to(*teams).emit("news")
    assert heard(clients) == [0, 0, 0, 0]
    ns.everyone.emit("news")
    assert heard(clients) == [1, 1, 1, 1]


def test_call_all_gathers_the_answers(ns, clients):
    clients[0].answers("q", "a")
    clients[1].answers("q", "b", "c")
    answers = ns.to("x").call_all("q", 1).result()
    assert answers.values == {clients[0].sid: "a", clients[1].sid: ("b", "c")}
    assert answers.complete
    assert answers.missing == frozenset()


def test_call_all_names_who_did_not_answer_and_who_left(harness, ns, clients):
    clients[0].answers("q", "a")
    ack = ns.everyone.call_all("q", timeout=5)
    harness.settle()
    clients[1].drop()
    assert not ack.done()
    assert ack.partial().values == {clients[0].sid: "a"}
    harness.advance(5)
    answers = ack.result()
    assert answers.values == {clients[0].sid: "a"}
    assert answers.missing == {c.sid for c in clients[1:]}
    assert not answers.complete


def test_call_all_is_done_as_soon_as_the_last_has_left(ns, clients):
    ack = ns.to("x").call_all("q", timeout=60)
    clients[0].drop()
    clients[1].drop()
    assert ack.done()
    assert ack.result().missing == {clients[0].sid, clients[1].sid}


def test_call_all_of_nobody_is_done_at_once(ns):
    assert ns.to("nowhere").call_all("q").result().values == {}


def test_call_all_may_be_cancelled(ns, clients):
    ack = ns.to("x").call_all("q")
    assert ack.cancel()
    assert ack.cancelled()
    clients[0].last("q").answer("late")


def test_its_clients_enter_and_leave_rooms_together(ns, clients):
    ns.to("x").enter_room(["z", "w"])
    assert ns.members("z") == ns.members("w") == {clients[0].sid, clients[1].sid}
    ns.to("y").leave_room("z")
    assert ns.members("z") == {clients[0].sid}


def test_its_clients_are_listed(ns, clients):
    known = ns.to("y").skip(clients[1].sid).clients()
    assert [(c.sid, c.rooms) for c in known] == [(clients[2].sid, {clients[2].sid, "y"})]


def test_its_clients_are_sent_away(harness, ns, clients):
    ns.to("x").disconnect()
    harness.settle()
    assert [c.connected for c in clients] == [False, False, True, True]
    assert clients[0].closed is None
    ns.to("y").disconnect(close=True)
    harness.settle()
    assert clients[2].closed == "server disconnect"


def test_what_is_wrong_is_said_where_it_is_written(ns):
    with pytest.raises(UsageError):
        ns.to(7)
    with pytest.raises(UsageError):
        ns.to("x").skip(None)
    with pytest.raises(UsageError):
        ns.to("x").emit("connect")


def test_who_leaves_while_others_are_told_of_is_not_among_them():
    gone = []

    class Rooms(MemoryRoomManager):
        def rooms(self, path, sid):
            if sid in gone:
                raise NotConnected("it has left its rooms, and is about to leave")
            return super().rooms(path, sid)

    class Plain(Namespace): ...

    with Harness(Plain(), rooms=Rooms()) as h:
        stays, leaves = h.connect(), h.connect()
        gone.append(leaves.sid)
        assert [known.sid for known in h.namespace().everyone.clients()] == [stays.sid]
        gone.clear()
