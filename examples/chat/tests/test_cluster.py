"""The chat on two servers, without either and without a broker."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from sionamespace.testing import Cluster, HarnessClient, including

from activity import Activity
from chat import Chat
from dashboard import Dashboard

PNG = b"\x89PNG\r\n\x1a\n" + bytes(20)


class Time:
    """What all servers go by, in seconds."""

    now = 1700.5

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def cluster(time: Time) -> Iterator[Cluster]:
    def namespaces() -> dict[str, Any]:
        activity = Activity(clock=lambda: 1000.0)
        chat = Chat(activity, clock=time)
        return {"/chat": chat, "/dashboard": Dashboard(chat, activity)}

    with Cluster(namespaces) as cluster:
        yield cluster


@pytest.fixture
def enter(cluster: Cluster) -> Any:
    """Lets somebody into the chat, on one of the servers."""

    def come_in(server: int, name: str, room: str = "", key: str = "") -> HarnessClient:
        auth = {"name": name, "room": room, "key": key or f"the-key-of-{name}"}
        client = cluster.node(server).connect("/chat", auth=auth)
        cluster.settle()
        return client

    return come_in


def people(cluster: Cluster) -> list[dict[str, str]]:
    """Who is where, as each server knows it."""
    return [node.namespace("/chat").people() for node in cluster.nodes]


def gone(name: str, room: str = "#lobby") -> Any:
    """The news that somebody has left."""
    return ("presence_diff", "house", {"joins": {}, "leaves": {name: room}})


def refusal(client: HarnessClient) -> Any:
    assert client.refused is not None
    return client.refused.data


# What people see of each other.


def test_people_of_both_servers_see_each_other_and_talk(cluster: Cluster, enter: Any) -> None:
    ann, bob = enter(0, "Ann"), enter(1, "Bob")
    assert people(cluster) == [{"Ann": "#lobby", "Bob": "#lobby"}] * 2
    assert ann.call("message", "message-1", "hello") == {"at": 1700.5}
    bob.assert_received("message", including(name="Ann", text="hello"))
    assert bob.call("picture", "picture-1", PNG) == {"at": 1700.5}
    ann.assert_received("picture", including(name="Bob", type="image/png", data=PNG))
    bob.emit("typing")
    ann.assert_received("typing", "Bob")
    ann.call("join", "garden")
    bob.assert_received("presence_diff", "house", including(joins={"Ann": "#garden"}))


def test_a_room_remembers_the_same_on_both_servers(enter: Any) -> None:
    ann = enter(0, "Ann")
    ann.call("message", "message-1", "hello")
    ann.call("picture", "picture-1", PNG)
    for server, name in enumerate(["Eve", "Zoe"]):
        (_, (message, picture)) = enter(server, name).last("history").args
        assert message == ["message", including(text="hello")]
        assert picture == ["picture", including(data=PNG)]


def test_a_message_that_is_sent_again_to_the_other_server_is_said_once(enter: Any) -> None:
    ann, bob = enter(0, "Ann"), enter(1, "Bob")
    ann.call("message", "message-1", "hello")
    back = enter(1, "Ann")
    assert back.call("message", "message-1", "hello") == {"at": 1700.5}
    assert len(bob.received("message")) == 1


def test_a_private_message_to_the_other_server_is_answered(enter: Any, cluster: Cluster) -> None:
    ann, bob, eve = enter(0, "Ann"), enter(1, "Bob"), enter(1, "Eve")
    request = ann.request("whisper", "Bob", "a secret")
    bob.assert_received("whisper", "Ann", 1700.5, "a secret").answer()
    cluster.settle()
    assert request.answer == {"at": 1700.5}
    eve.refute_received("whisper")


def test_that_a_person_of_the_other_server_left_is_said_at_once(
    enter: Any, cluster: Cluster
) -> None:
    ann, bob = enter(0, "Ann"), enter(1, "Bob")
    request = ann.request("whisper", "Bob", "a secret")
    bob.drop()
    cluster.settle()
    assert request.answer["error"]["message"] == "Bob has just left."


def test_a_dashboard_shows_and_asks_the_people_of_all_servers(cluster: Cluster, enter: Any) -> None:
    ann, bob = enter(0, "Ann"), enter(1, "Bob", "garden")
    ann.call("message", "message-1", "hello")
    bob.call("message", "message-2", "hello")
    cluster.settle()
    everybody = {"Ann": "#lobby", "Bob": "#garden"}
    for node in cluster.nodes:
        dashboard = node.connect("/dashboard")
        dashboard.assert_received("figures", everybody, [0] * 59 + [2])
        for person in (ann, bob):
            person.answers("confirm", True)
        assert [dashboard.call("ask", name, "May I?") for name in everybody] == ["yes", "yes"]


# Names.


def test_a_name_is_had_by_one_on_all_servers(enter: Any) -> None:
    ann = enter(0, "Ann")
    assert refusal(enter(1, "ANN", key="another-key")) == {
        "field": "name",
        "suggestion": "ANN 2",
    }
    ann.drop()
    assert enter(1, "ANN", key="another-key").connected


def test_a_page_may_come_back_to_another_server(cluster: Cluster, enter: Any) -> None:
    lost = enter(0, "Ann")
    back = enter(1, "Ann", "garden")
    assert back.connected
    assert not lost.connected
    assert people(cluster) == [{"Ann": "#garden"}] * 2
    for server in (0, 1):
        assert not enter(server, "Ann", key="another-key").connected


@pytest.mark.parametrize("first", [0, 1])
def test_of_two_who_took_a_name_at_once_the_first_one_keeps_it(
    cluster: Cluster, enter: Any, time: Time, first: int
) -> None:
    cluster.cut(0)  # what is said meanwhile arrives later, as it does always, a little
    kept = enter(first, "Ann", key="the-first-key")
    time.now += 0.001
    lost = enter(1 - first, "ann", key="the-other-key")
    assert kept.connected
    assert lost.connected
    cluster.heal(0)
    cluster.advance(1)
    assert kept.connected
    assert not lost.connected
    assert people(cluster) == [{"Ann": "#lobby"}] * 2
    # Its page comes back by itself.
    assert refusal(enter(1 - first, "ann", key="the-other-key"))["suggestion"] == "ann 2"


def test_also_of_two_in_the_same_moment_one_keeps_it(cluster: Cluster, enter: Any) -> None:
    cluster.cut(0)
    both = [enter(server, "Ann", key=f"the-key-of-{server}") for server in (0, 1)]
    cluster.heal(0)
    cluster.advance(1)
    assert sorted(client.connected for client in both) == [False, True]
    assert people(cluster) == [{"Ann": "#lobby"}] * 2
    for server in (0, 1):
        assert not enter(server, "Ann", key="another-key").connected


def test_a_server_that_comes_knows_the_names_that_there_are(cluster: Cluster, enter: Any) -> None:
    enter(0, "Ann")
    enter(1, "Bob")
    cluster.add()
    assert not enter(2, "Ann", key="another-key").connected
    assert not enter(2, "Bob", key="another-key").connected


# What goes wrong.


def test_the_people_of_a_server_that_dies_leave_and_their_names_are_free(
    cluster: Cluster, enter: Any
) -> None:
    ann = enter(0, "Ann")
    enter(1, "Bob", "garden")
    request = ann.request("whisper", "Bob", "a secret")
    cluster.kill(1)
    cluster.advance(5)
    ann.assert_received(*gone("Bob", "#garden"))
    assert request.answer["error"]["message"] == "Bob has just left."
    assert enter(0, "Bob", key="another-key").connected


def test_a_page_of_a_server_that_dies_may_come_back_before_that_is_noticed(
    cluster: Cluster, enter: Any
) -> None:
    ann = enter(0, "Ann")
    enter(1, "Bob")
    cluster.kill(1)
    back = enter(0, "Bob")
    cluster.advance(5)
    assert back.connected
    ann.refute_received(*gone("Bob"))
    assert not enter(0, "Bob", key="another-key").connected


def test_without_the_broker_each_server_goes_on_by_what_it_knows(
    cluster: Cluster, enter: Any
) -> None:
    ann, bob, eve = enter(0, "Ann"), enter(1, "Bob"), enter(1, "Eve")
    cluster.cut(0)
    assert not enter(0, "Bob", key="another-key").connected
    ann.call("message", "message-1", "is anybody there?")
    bob.refute_received("message")
    eve.drop()
    enter(0, "Zoe")
    enter(1, "Dan")

    cluster.heal(0)
    cluster.advance(6)
    bob.assert_received("message", including(text="is anybody there?"))
    here = dict.fromkeys(["Ann", "Bob", "Dan", "Zoe"], "#lobby")
    assert people(cluster) == [here] * 2
    assert enter(0, "Eve", key="another-key").connected
    for server, name in [(0, "Dan"), (1, "Zoe")]:
        assert not enter(server, name, key="another-key").connected


def test_a_server_that_was_taken_for_dead_keeps_its_names_when_it_is_back(
    cluster: Cluster, enter: Any, time: Time
) -> None:
    ann = enter(0, "Ann")
    bob = enter(1, "Bob")
    cluster.cut(0)
    cluster.advance(5)
    bob.assert_received(*gone("Ann"))
    time.now += 5
    other = enter(1, "Ann", key="another-key")
    assert other.connected

    cluster.heal(0)
    cluster.advance(6)
    assert ann.connected
    assert not other.connected
    assert people(cluster) == [{"Ann": "#lobby", "Bob": "#lobby"}] * 2
    assert not enter(1, "Ann", key="another-key").connected
