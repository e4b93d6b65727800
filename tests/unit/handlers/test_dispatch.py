"""From an event to its handler, and from the handler's return to the client's ack."""

from __future__ import annotations

import asyncio
import functools
import logging

import pytest

from sionamespace import HandlerError, Namespace, Refused, Reply, event
from sionamespace.testing import Harness

pytestmark = pytest.mark.every_runtime

INTERNAL = {"error": {"message": "internal error"}}


class Answers(Namespace):
    def on_none(self, sid):
        return None

    def on_one(self, sid):
        return {"a": [1]}

    def on_list(self, sid):
        return [1, 2]

    def on_several(self, sid):
        return "OK", 123

    def on_empty(self, sid):
        return ()

    async def on_later(self, sid, value):
        await asyncio.sleep(0)
        return value

    def on_echo(self, sid, *args):
        return args

    def on_pair(self, sid, a, b=2):
        return [a, b]

    def on_boom(self, sid):
        raise ValueError("a secret")

    def on_refuse(self, sid):
        raise Refused("not yet", {"wait": 5})

    async def on_async_boom(self, sid):
        raise ValueError("a secret")

    def on_unsendable(self, sid):
        return object()


@pytest.fixture
def harness():
    with Harness(Answers(), raise_errors=False) as h:
        yield h


@pytest.fixture
def client(harness):
    return harness.connect()


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("none", None),
        ("one", {"a": [1]}),
        ("list", [1, 2]),
        ("several", ("OK", 123)),
        ("empty", None),
    ],
)
def test_what_a_handler_returns_is_the_answer(client, name, answer):
    assert client.call(name) == answer


def test_an_async_handler_answers_too(client):
    assert client.call("later", "x") == "x"


def test_arguments_come_as_they_were_sent(client):
    sent = (1, "ü", None, [True, {"a": b"\x00\xff"}], b"", 1.5)
    assert client.call("echo", *sent) == sent


def test_arguments_that_the_handler_does_not_take_are_answered_and_it_is_not_called(client, caplog):
    answer = client.call("pair", 1, 2, 3)
    assert answer == {"error": {"message": "pair: got 3 arguments, expected 1 to 2"}}
    assert client.call("pair")["error"]["message"] == "pair: got 0 arguments, expected 1 to 2"
    assert client.call("pair", 1) == [1, 2]
    assert len(caplog.records) == 2
    assert all(record.exc_info is None for record in caplog.records)
    assert "test_dispatch.py" in caplog.text


def test_a_refusal_is_told_to_the_client(client, harness, caplog):
    assert client.call("refuse") == {"error": {"message": "not yet", "data": {"wait": 5}}}
    assert not harness.errors
    assert not caplog.records


@pytest.mark.parametrize("name", ["boom", "async_boom"])
def test_an_exception_is_kept_from_the_client(client, harness, name):
    assert client.call(name) == INTERNAL
    assert isinstance(harness.errors[0], ValueError)
    assert client.call("one") == {"a": [1]}, "the connection lives on"


def test_a_return_value_that_cannot_be_sent_is_an_internal_error(client, harness):
    assert client.call("unsendable") == INTERNAL
    assert "cannot send" in str(harness.errors[0])


def test_an_event_without_an_ack_is_not_answered(client):
    client.emit("one")
    assert client.received() == []


def test_an_event_that_nothing_handles_is_not_answered_but_logged_with_those_there_are(
    harness, client, caplog
):
    harness.allow_unfinished("mesage")
    request = client.request("mesage", 1)
    assert not request.answered
    assert "nothing handles the event 'mesage'" in caplog.text
    assert "async_boom, boom, echo, empty" in caplog.text


def test_an_unknown_event_is_logged_once_at_warning(client, caplog):
    caplog.set_level(logging.DEBUG, "sionamespace")
    for _ in range(3):
        client.emit("nope")
    assert [r.levelname for r in caplog.records if "nope" in r.message] == [
        "WARNING",
        "DEBUG",
        "DEBUG",
    ]


def test_unknown_events_of_ever_new_names_do_not_fill_the_log(client, caplog):
    caplog.set_level(logging.WARNING, "sionamespace")
    for number in range(150):
        client.emit(f"{number}" * 100)
    assert len(caplog.records) == 100
    assert max(len(record.getMessage()) for record in caplog.records) < 300


@pytest.mark.parametrize("method", ["handle_error", "emit", "__init__", "on_one", "session"])
def test_no_other_method_can_be_reached(harness, client, method, caplog):
    harness.allow_unfinished(method)
    assert not client.request(method).answered
    assert "nothing handles" in caplog.text


def test_the_catch_all_takes_what_no_other_takes():
    class Chat(Namespace):
        def on_known(self, sid):
            return "known"

        @event("*")
        def rest(self, sid, event, *args):
            return [event, *args]

    with Harness(Chat()) as h:
        client = h.connect()
        assert client.call("known") == "known"
        assert client.call("whatever", 1, 2) == ["whatever", 1, 2]


def test_an_event_name_may_be_a_number_as_in_javascript():
    class Chat(Namespace):
        @event("7")
        def seven(self, sid):
            return "seven"

    with Harness(Chat()) as h:
        client = h.connect()
        client.send_raw("21[7]")
        client.send_raw("22[7.0]")
        assert client.raw_answers == {1: ["seven"], 2: ["seven"]}


def test_handle_error_may_answer_refuse_and_fail_itself(caplog):
    class Chat(Namespace):
        def on_boom(self, sid, how):
            raise ValueError(how)

        def handle_error(self, sid, event, error):
            match str(error):
                case "answer":
                    return "sorry", 1
                case "refuse":
                    raise Refused("sorry")
                case "fail":
                    raise RuntimeError("in handle_error")
                case _:
                    return super().handle_error(sid, event, error)

    with Harness(Chat(), raise_errors=False) as h:
        client = h.connect()
        assert client.call("boom", "answer") == ("sorry", 1)
        assert client.call("boom", "refuse") == {"error": {"message": "sorry", "data": None}}
        assert not h.errors
        assert client.call("boom", "fail") == INTERNAL
        assert "handle_error failed" in caplog.text
        assert client.call("boom", "default") == INTERNAL
        assert [str(error) for error in h.errors] == ["default"]


@pytest.mark.parametrize("answer", [object(), (1, {2: object()}), [float]])
def test_what_handle_error_answers_and_cannot_be_sent_is_logged(caplog, answer):
    class Chat(Namespace):
        def on_boom(self, sid):
            raise ValueError

        def on_odd(self, sid):
            return answer

        def handle_error(self, sid, event, error):
            return answer

    with Harness(Chat(), raise_errors=False) as h:
        client = h.connect()
        for event in ("boom", "odd"):
            assert client.call(event) == INTERNAL
        assert caplog.text.count("what handle_error returned cannot be sent") == 2


def test_handle_error_may_answer_later():
    class Chat(Namespace):
        def on_odd(self, sid):
            return object()

        def handle_error(self, sid, event, error):
            self.reply = Reply()
            return self.reply

    with Harness(Chat(), raise_errors=False) as h:
        client = h.connect()
        client.send_raw('21["odd"]')
        h.namespace("/").reply.send("later")
        h.settle()
        assert client.raw_answers == {1: ["later"]}


def test_a_time_out_of_a_green_library_fails_the_handler_too():
    class Timeout(BaseException):
        """As eventlet's and gevent's, which are no Exception."""

    class Chat(Namespace):
        def on_boom(self, sid):
            raise Timeout

        def on_disconnect(self, sid):
            raise Timeout

    with Harness(Chat(), raise_errors=False) as h:
        client = h.connect()
        assert client.call("boom") == INTERNAL
        client.drop()
        assert [type(error) for error in h.errors] == [Timeout, Timeout]


def test_a_type_error_inside_a_handler_does_not_run_it_again():
    class Chat(Namespace):
        runs = 0

        def on_connect(self, sid, environ, auth):
            Chat.runs += 1
            raise TypeError("a bug inside")

    with Harness(Chat(), raise_errors=False) as h:
        assert h.connect().refused.message == "internal error"
        assert Chat.runs == 1


def test_a_decorator_that_hides_async_is_named():
    def hide(function):
        @functools.wraps(function)
        def wrapper(*args):
            return function(*args)

        del wrapper.__wrapped__
        return wrapper

    class Chat(Namespace):
        @hide
        async def on_x(self, sid): ...

    with Harness(Chat()) as h, pytest.raises(HandlerError, match="a decorator hides"):
        h.connect().call("x")


def test_an_unhandled_error_is_logged_once_with_its_traceback(caplog, runtime):
    """As the server does it; the harness raises instead."""
    from sionamespace.application import Application
    from sionamespace.options import Options

    application = Application({"/": Answers()}, runtime, Options())
    error = ValueError("x")
    application.namespace("/").handle_error("a-sid", "boom", error)
    (record,) = caplog.records
    assert record.exc_info[1] is error
    assert all(part in record.getMessage() for part in ("/", "boom", "a-sid"))
