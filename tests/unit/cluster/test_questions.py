"""What is asked of clients and servers, wherever they are."""

from __future__ import annotations

import time

import pytest

from sionamespace import AckTimeout, ClientGone, Namespace, UsageError, WouldBlock, server_event
from sionamespace.testing.cluster import Cluster

pytestmark = pytest.mark.every_runtime


class Quiz(Namespace):
    @server_event
    def quiz(self): ...

    def on_connect(self, sid, environ, auth):
        if auth:
            self.enter_room(sid, auth["room"])

    def on_ask(self, sid, whom, *args):
        return self.call("question", *args, room=whom, timeout=5).result()

    async def on_ask_async(self, sid, whom, *args):
        return await self.call("question", *args, room=whom, timeout=5)

    def on_ask_all(self, sid, room):
        answers = self.to(*room).call_all("question", timeout=5).result()
        return dict(answers.values), sorted(answers.missing), sorted(answers.silent)

    def on_who(self, sid, room):
        return sorted(self.members(room))

    async def on_who_async(self, sid, room):
        return sorted(await self.members(room))

    async def on_who_badly(self, sid, room):
        return len(self.members(room))

    def on_send_members(self, sid):
        self.emit("members", self.members(), room=sid)


@pytest.fixture
def cluster():
    with Cluster(Quiz, nodes=3) as c:
        yield c


@pytest.fixture
def clients(cluster):
    return [node.connect() for node in cluster.nodes]


@pytest.fixture
def quiz(cluster):
    return cluster.node(0).namespace()


# One client.


@pytest.mark.parametrize("ask", ["ask", "ask_async"])
def test_a_client_elsewhere_answers(clients, ask):
    one, two, _ = clients
    two.answers("question", lambda *args: [*args, "yes"])
    assert one.call(ask, two.sid, 1, b"x") == [1, b"x", "yes"]


@pytest.mark.parametrize("values", [(), (None,), (1,), ([1, 2],), (1, "b"), ({"b": b"\0"}, b"x")])
def test_its_answer_is_what_it_is_on_one_server(quiz, clients, values):
    one, two, _ = clients
    for client in (one, two):
        client.answers("question", *values)
    here, there = (quiz.call("question", room=client.sid).result() for client in (one, two))
    assert here == there
    assert type(here) is type(there)


def test_who_does_not_answer_is_an_error_after_the_time(cluster, quiz, clients):
    ack = quiz.call("question", room=clients[1].sid, timeout=5)
    cluster.advance(4.9)
    assert not ack.done()
    cluster.advance(0.1)
    with pytest.raises(AckTimeout, match="within 5 s"):
        ack.result()


def test_who_leaves_is_an_error_at_once(cluster, quiz, clients):
    ack = quiz.call("question", room=clients[1].sid)
    cluster.settle()
    clients[1].drop()
    cluster.settle()
    with pytest.raises(ClientGone, match=f"{clients[1].sid}.* left before it answered 'question'"):
        ack.result(0)


def test_who_has_left_is_an_error_at_once(cluster, quiz, clients):
    clients[1].drop()
    ack = quiz.call("question", room=clients[1].sid)
    cluster.settle()
    assert isinstance(ack.exception(0), ClientGone)


def test_a_client_of_a_server_that_dies_is_gone_when_that_is_noticed(cluster, quiz, clients):
    ack = quiz.call("question", room=clients[1].sid, timeout=None)
    cluster.settle()
    cluster.kill(1)
    cluster.node(1).allow_unfinished("question")
    cluster.advance(2)
    assert not ack.done()
    cluster.advance(3)
    assert isinstance(ack.exception(0), ClientGone)
    assert isinstance(quiz.call("question", room=clients[1].sid).exception(0), ClientGone)


def test_a_client_of_a_server_that_is_not_there_is_gone_when_all_that_are_were_heard():
    with Cluster(Quiz, nodes=2) as c:
        one = c.add()
        quiz = one.namespace()
        ack = quiz.call("question", room="old~0badcafe", timeout=None)
        report = quiz.servers.to("0badcafe").call("quiz", timeout=None)
        c.settle()
        assert not ack.done()
        c.advance(1)
        assert isinstance(ack.exception(0), ClientGone)
        assert report.result(0).missing == {"0badcafe"}


def test_another_server_that_dies_ends_nothing_of_it(cluster, quiz, clients):
    ack = quiz.call("question", room=clients[1].sid, timeout=None)
    cluster.settle()
    cluster.kill(2)
    cluster.advance(5)
    assert not ack.done()
    clients[1].last("question").answer("yes")
    cluster.settle()
    assert ack.result(0) == "yes"


def test_an_answer_that_comes_too_late_changes_nothing(cluster, quiz, clients):
    ack = quiz.call("question", room=clients[1].sid, timeout=1)
    cluster.settle()
    question = clients[1].last("question")
    cluster.advance(1)
    question.answer("late")
    cluster.settle()
    assert isinstance(ack.exception(), AckTimeout)


def test_questions_of_several_servers_to_one_client_are_told_apart(cluster, clients):
    asked = clients[1]
    acks = [node.namespace().call("question", room=asked.sid) for node in cluster.nodes]
    cluster.settle()
    for number, question in enumerate(asked.received("question")):
        question.answer(number)
    cluster.settle()
    assert sorted(ack.result(0) for ack in acks) == [0, 1, 2]


def test_the_one_client_of_a_room_is_asked_wherever_it_is(quiz, clients):
    _, two, three = clients
    two.answers("question", 2)
    quiz.enter_room(two.sid, "x")
    assert quiz.call("question", room="x").result() == 2
    with pytest.raises(ClientGone, match="no client 'nobody' in /"):
        quiz.call("question", room="nobody").result()
    quiz.enter_room(three.sid, "x")
    with pytest.raises(UsageError, match=r"asks one client, but .* has 2"):
        quiz.call("question", room="x").result()


# Several clients.


def test_all_clients_of_a_room_answer(cluster, quiz, clients):
    for number, client in enumerate(clients):
        client.answers("question", number)
    values, missing, silent = clients[0].call("ask_all", [client.sid for client in clients])
    assert values == {client.sid: number for number, client in enumerate(clients)}
    assert (missing, silent) == ([], [])


def test_who_does_not_answer_or_leaves_is_missing(cluster, quiz, clients):
    one, two, three = clients
    one.answers("question", 1)
    answers = quiz.everyone.call_all("question", timeout=5)
    cluster.settle()
    three.drop()
    cluster.settle()
    assert answers.partial().values == {one.sid: 1}
    cluster.advance(5)
    got = answers.result(0)
    assert got.values == {one.sid: 1}
    assert got.missing == {two.sid, three.sid}
    assert (got.silent, got.complete) == (frozenset(), False)


def test_a_server_that_does_not_say_whom_it_asks_is_silent(cluster, quiz, clients):
    one, two, _ = clients
    one.answers("question", 1)
    two.answers("question", 2)
    cluster.stall(2)
    answers = quiz.everyone.call_all("question", timeout=1)
    cluster.advance(1)
    got = answers.result(0)
    assert got.values == {one.sid: 1, two.sid: 2}
    assert got.missing == frozenset()
    assert got.silent == {cluster.node(2).name}
    assert not got.complete


def test_a_server_that_dies_while_it_is_asked_is_waited_for_no_longer(cluster, quiz, clients):
    cluster.node(1).allow_unfinished("question").connect()
    clients[0].answers("question", 0)
    clients[2].answers("question", 2)
    answers = quiz.everyone.call_all("question", timeout=None)
    cluster.settle()
    cluster.kill(1)
    assert not answers.done()
    cluster.advance(5)
    got = answers.result(0)
    assert got.values == {clients[0].sid: 0, clients[2].sid: 2}
    assert len(got.missing) == 2


def test_servers_without_clients_there_are_not_waited_for(cluster, quiz, clients):
    clients[2].answers("question", 1)
    answers = quiz.to(clients[2].sid).call_all("question")
    cluster.settle()
    assert answers.result(0).values == {clients[2].sid: 1}
    assert quiz.to("nobody").call_all("question").result().complete


def test_local_asks_this_server_only(quiz, clients):
    clients[0].answers("question", 1)
    assert quiz.local.call_all("question").result().values == {clients[0].sid: 1}


# Who is there.


@pytest.mark.parametrize("who", ["who", "who_async"])
def test_members_are_those_of_all_servers(cluster, clients, who):
    for client in clients[1:]:
        cluster.node(0).namespace().enter_room(client.sid, "x")
    cluster.settle()
    assert clients[0].call(who, "x") == sorted(client.sid for client in clients[1:])
    assert clients[0].call(who, None) == sorted(client.sid for client in clients)


def test_members_are_a_set(quiz, clients):
    one, two, three = clients
    members = quiz.members()
    assert members == {one.sid, two.sid, three.sid}
    assert one.sid in members
    assert len(members) == 3
    assert members - {one.sid} == {two.sid, three.sid}
    assert members.complete
    assert members.silent == frozenset()
    assert not quiz.members("nobody is here")
    assert quiz.local.members() == {one.sid}


def test_on_an_event_loop_they_are_awaited():
    with Cluster(Quiz, raise_errors=False) as c:
        client = c.node(0).connect()
        client.call("who_badly", None)
        (error,) = c.node(0).errors
        assert isinstance(error, WouldBlock)
        assert "write `await`" in str(error)


def test_members_may_be_sent(clients):
    clients[0].emit("send_members")
    (members,) = clients[0].last("members").args
    assert sorted(members) == sorted(client.sid for client in clients)


def test_a_server_that_does_not_say_is_named_when_the_time_is_over(cluster, quiz, clients):
    cluster.stall(1)
    members = quiz.members(timeout=1)
    cluster.advance(0.9)
    assert not members.done()
    cluster.advance(0.1)
    assert members == {clients[0].sid, clients[2].sid}
    assert members.silent == {cluster.node(1).name}
    assert not members.complete


def test_a_server_that_has_not_met_the_others_yet_waits_for_them(cluster, clients):
    late = cluster.add()
    members = late.namespace().members()
    late.advance(1)
    assert members.result(0) == {client.sid for client in clients}
    assert members.complete


def test_without_the_broker_they_are_those_of_this_server(cluster, quiz, clients):
    cluster.cut(0)
    members = quiz.members(timeout=1)
    cluster.advance(1)
    assert members == {clients[0].sid}
    assert members.silent == {node.name for node in cluster.nodes[1:]}


def test_clients_are_those_of_all_servers(cluster, quiz):
    one = cluster.node(0).connect(auth={"room": "x"})
    two = cluster.node(1).connect(
        auth={"room": "x", "n": [1, None]},
        headers={"User-Agent": "test"},
        environ={"object": object(), "broken": "\udcff", "REMOTE_ADDR": "10.0.0.1"},
    )
    found = {client.sid: client for client in quiz.to("x").clients()}
    assert set(found) == {one.sid, two.sid}
    there = found[two.sid]
    assert there.auth == {"room": "x", "n": [1, None]}
    assert there.rooms == {two.sid, "x"}
    assert (there.transport, there.protocol) == ("websocket", 5)
    assert abs(there.connected_at - time.time()) < 60
    assert there.environ["HTTP_USER_AGENT"] == "test"
    assert there.environ["REMOTE_ADDR"] == "10.0.0.1"
    assert not {"object", "broken"} & set(there.environ)


def test_clients_are_a_sequence(quiz, clients):
    found = quiz.to(clients[1].sid).clients()
    assert len(found) == 1
    assert found[0].sid == clients[1].sid
    assert [client.sid for client in found] == [clients[1].sid]
    assert found == list(found)
    assert quiz.to("nobody").clients() == []
    assert [client.sid for client in quiz.local.clients()] == [clients[0].sid]


def test_a_namespace_that_only_one_server_has_open_keeps_nobody_waiting():
    with Cluster({"/rooms/{id}": Quiz}, nodes=3) as c:
        here, there = c.node(0).connect("/rooms/7"), c.node(1).connect("/rooms/7")
        there.answers("question", 1)
        alone = c.node(0).connect("/rooms/8")
        assert here.call("who", None) == sorted([here.sid, there.sid])
        assert here.call("ask", there.sid) == 1
        assert alone.call("who", None) == [alone.sid]
