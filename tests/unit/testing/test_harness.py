from __future__ import annotations

import asyncio

import pytest

from sionamespace import ConfigurationError, MemoryRoomManager, Namespace, Router
from sionamespace.testing import Harness


class Broken(Exception):
    pass


class Chat(Namespace):
    def on_connect(self, sid, environ):
        self.session(sid)["environ"] = environ

    def on_broken(self, sid):
        raise Broken("why")

    def on_slow(self, sid):
        self.sleep(10)
        return "slept"

    async def on_slow_async(self, sid):
        await asyncio.sleep(10)
        return "slept"

    def on_fails_later(self, sid):
        self.sleep(10)
        raise Broken("later")

    def on_fails_twice(self, sid):
        self.spawn(self._second)
        raise Broken("later")

    def _second(self):
        raise ValueError("the second")


class Other(Namespace):
    pass


@pytest.mark.parametrize(
    "routes",
    [Chat(), Chat, {"/": Chat}, Router({"/": Chat()})],
    ids=["instance", "class", "routes", "router"],
)
def test_it_takes_what_a_server_takes_or_a_namespace_alone(routes):
    with Harness(routes) as harness:
        client = harness.connect()
        assert (client.connected, client.path) == (True, "/")
        assert isinstance(harness.namespace(), Chat)


def test_with_several_namespaces_one_says_which():
    with Harness({"/chat": Chat, "/other": Other}) as harness:
        with pytest.raises(ConfigurationError, match="/chat, /other"):
            harness.connect()
        assert harness.connect("/chat").connected
        assert isinstance(harness.namespace("/other"), Other)


def test_clients_may_share_a_connection():
    with Harness({"/chat": Chat, "/other": Other}) as harness:
        chat = harness.connect("/chat")
        other = harness.connect("/other", on=chat)
        alone = harness.connect("/other")
        assert chat.sid != other.sid
        chat.drop()
        assert not other.connected
        assert alone.connected


def test_a_client_comes_with_headers_and_whatever_else_its_request_has():
    with Harness(Chat) as harness:
        client = harness.connect(headers={"X-Token": "t"}, environ={"REMOTE_ADDR": "10.0.0.1"})
        environ = client.session["environ"]
        assert environ["HTTP_X_TOKEN"] == "t"
        assert environ["REMOTE_ADDR"] == "10.0.0.1"
        assert environ["REQUEST_METHOD"] == "GET"


def test_options_are_those_of_a_server():
    with Harness(Chat, connect_timeout=5, max_message_bytes=10) as harness:
        harness.connect()
    with pytest.raises(ConfigurationError, match="no option 'nonsense'"):
        Harness(Chat, nonsense=1)


def test_a_room_manager_may_be_given():
    rooms = MemoryRoomManager()
    with Harness(Chat, rooms=rooms) as harness:
        client = harness.connect()
        assert rooms.rooms("/", client.sid) == {client.sid}


class TestErrors:
    def test_they_are_raised_or_kept_on_request(self):
        with Harness(Chat) as harness, pytest.raises(Broken, match="why"):
            harness.connect().emit("broken")
        with Harness(Chat, raise_errors=False) as harness:
            assert harness.connect().call("broken") == {"error": {"message": "internal error"}}
            assert [type(error) for error in harness.errors] == [Broken]

    def test_one_that_was_raised_is_not_raised_again(self):
        with Harness(Chat) as harness:
            client = harness.connect()
            with pytest.raises(Broken):
                client.emit("broken")
            harness.settle()
            assert harness.errors == []

    def test_of_several_at_once_the_first_is_raised_and_the_others_are_logged(self, caplog):
        with Harness(Chat) as harness:
            for _ in range(2):
                harness.connect().emit("fails_later")
            with pytest.raises(Broken, match="later"):
                harness.advance(10)
            with pytest.raises(Broken, match="later"):
                harness.connect().emit("fails_twice")
            assert "this failed too" in caplog.text
            assert "ValueError: the second" in caplog.text

    def test_one_that_happens_when_the_clock_moves_is_raised_there(self):
        with Harness(Chat) as harness:
            harness.connect().emit("fails_later")
            with pytest.raises(Broken, match="later"):
                harness.advance(10)


class TestTime:
    @pytest.mark.parametrize("event", ["slow", "slow_async"])
    def test_a_handler_that_sleeps_goes_on_when_the_test_moves_the_clock(self, event):
        with Harness(Chat) as harness:
            request = harness.connect().request(event)
            harness.advance(9)
            assert not request.answered
            harness.advance(1)
            assert request.answer == "slept"

    def test_a_harness_may_be_closed_while_handlers_wait(self):
        with Harness(Chat) as harness:
            client = harness.connect()
            client.emit("slow_async")
            client.emit("slow")


class TestRun:
    def test_functions_of_both_kinds_give_their_result(self):
        async def asynchronous(value):
            await asyncio.sleep(1)
            return value

        with Harness(Chat) as harness:
            assert harness.run(lambda value: value, 1) == 1
            assert harness.run(asynchronous, value=2) == 2

    def test_what_they_raise_is_raised(self):
        with Harness(Chat) as harness, pytest.raises(ZeroDivisionError):
            harness.run(lambda: 1 / 0)


def test_two_harnesses_do_not_meet():
    with Harness(Chat) as one, Harness(Chat) as other:
        client = one.connect()
        other.connect()
        assert one.namespace().members() == {client.sid}


@pytest.mark.parametrize("routes", [{"/rooms/{name}": Chat}, {"/": Chat, "/rooms/{name}": Chat}])
def test_a_path_with_parameters_must_be_said(routes):
    with Harness(routes) as h:
        with pytest.raises(ConfigurationError, match=r"say which namespace.*: .*/rooms/\{name\}"):
            h.connect()
        assert h.connect("/rooms/red").connected
