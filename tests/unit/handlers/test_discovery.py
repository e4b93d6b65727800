"""Which methods become handlers, and what is wrong with those that cannot."""

from __future__ import annotations

import functools
import re
from pathlib import Path

import pytest

from sionamespace import HandlerError, Namespace, event
from sionamespace.handlers.discovery import discover
from sionamespace.testing import Harness

pytestmark = pytest.mark.every_runtime


def events_of(cls: type[Namespace]) -> dict[str, str]:
    return {name: spec.method for name, spec in cls.handlers.events.items()}


def test_on_methods_are_handlers_of_the_rest_of_their_name():
    class Chat(Namespace):
        def on_message(self, sid, text): ...
        def on_my_event(self, sid): ...
        def helper(self): ...
        def _on_secret(self, sid): ...

    assert events_of(Chat) == {"message": "on_message", "my_event": "on_my_event"}


def test_connect_and_disconnect_are_no_events():
    class Chat(Namespace):
        def on_connect(self, sid): ...
        def on_disconnect(self, sid, reason): ...

    assert events_of(Chat) == {}
    assert Chat.handlers.connect.method == "on_connect"
    assert Chat.handlers.disconnect.method == "on_disconnect"


def test_the_decorator_names_events_freely():
    class Chat(Namespace):
        @event("my message", "my-message")
        def spaced(self, sid, data): ...

        @event("renamed")
        def on_original(self, sid): ...

        @event("*")
        def rest(self, sid, event, *args): ...

    assert events_of(Chat) == {
        "my message": "spaced",
        "my-message": "spaced",
        "renamed": "on_original",
        "*": "rest",
    }


def test_the_decorator_without_a_name_keeps_the_rule_and_sets_options():
    class Chat(Namespace):
        @event(concurrent=True)
        def on_slow(self, sid): ...

    spec = Chat.handlers.events["slow"]
    assert spec.concurrent
    assert not spec.is_async


def test_the_decorator_takes_names_only():
    with pytest.raises(HandlerError, match=r"without a name, write @event\(\)"):

        class Chat(Namespace):
            @event
            def on_x(self, sid): ...


def test_a_class_may_have_its_own_rule_for_names():
    class Chat(Namespace):
        event_name = staticmethod(lambda name: name.replace("_", "-"))

        def on_new_message(self, sid): ...

    class Sub(Chat):
        def on_old_message(self, sid): ...

    assert events_of(Sub) == {"old-message": "on_old_message", "new-message": "on_new_message"}


def test_a_rule_must_give_a_text():
    with pytest.raises(HandlerError, match=r"event_name\('x'\) gave None; expected a text"):

        class Chat(Namespace):
            event_name = staticmethod(lambda name: None)

            def on_x(self, sid): ...


def test_an_override_takes_the_place_of_the_method():
    class Base(Namespace):
        def on_message(self, sid): ...

        @event("my message")
        def spaced(self, sid): ...

    class Sub(Base):
        async def on_message(self, sid, text): ...
        def spaced(self, sid, more): ...

    assert events_of(Sub) == {"message": "on_message", "my message": "spaced"}
    assert Sub.handlers.events["message"].is_async
    assert Sub.handlers.events["my message"].arity.most == 2
    assert Base.handlers.events["my message"].arity.most == 1


def test_an_override_may_be_named_anew():
    class Base(Namespace):
        @event("old name")
        def act(self, sid): ...

    class Sub(Base):
        @event("new name")
        def act(self, sid): ...

    assert events_of(Sub) == {"new name": "act"}


def test_a_mixin_brings_its_handlers_along():
    class Typing:
        def on_typing(self, sid): ...

        @event("stopped typing")
        def stopped(self, sid): ...

    class Chat(Typing, Namespace):
        def on_message(self, sid): ...

    assert set(events_of(Chat)) == {"message", "typing", "stopped typing"}


def test_none_in_a_subclass_takes_a_handler_away():
    class Base(Namespace):
        def on_message(self, sid): ...
        def on_connect(self, sid): ...

    class Sub(Base):
        on_message = None
        on_connect = None

    assert events_of(Sub) == {}
    assert Sub.handlers.connect is None


def test_static_and_class_methods_are_handlers():
    class Chat(Namespace):
        @staticmethod
        def on_add(sid, a, b):
            return a + b

        @classmethod
        def on_name(cls, sid):
            return cls.__name__

        @event("minus")
        @staticmethod
        def subtract(sid, a, b):
            return a - b

    with Harness(Chat()) as h:
        client = h.connect()
        assert client.call("add", 2, 3) == 5
        assert client.call("name") == "Chat"
        assert client.call("minus", 2, 3) == -1


def test_a_decorated_method_keeps_its_signature_and_kind():
    def logged(function):
        @functools.wraps(function)
        async def wrapper(*args):
            return await function(*args)

        return wrapper

    class Chat(Namespace):
        @logged
        async def on_x(self, sid, a, b=1): ...

    spec = Chat.handlers.events["x"]
    assert (spec.arity.least, spec.arity.most) == (2, 3)
    assert spec.is_async


def test_two_handlers_of_one_event_are_an_error_that_names_both_places():
    with pytest.raises(HandlerError) as caught:

        class Chat(Namespace):
            def on_message(self, sid): ...

            @event("message")
            def other(self, sid): ...

    text = str(caught.value)
    assert "two handlers for the event 'message'" in text
    assert len(re.findall(rf"{Path(__file__).name}:\d+", text)) == 2
    assert "on_message" in text
    assert "other" in text


@pytest.mark.parametrize(
    "name", ["connect", "disconnect", "connect_error", "disconnecting", "newListener"]
)
def test_a_reserved_name_is_an_error(name):
    with pytest.raises(HandlerError, match=f"'{name}' is reserved by the protocol"):

        class Chat(Namespace):
            @event(name)
            def handler(self, sid): ...


def test_a_handler_that_cannot_take_the_sid_is_an_error_with_the_mend():
    with pytest.raises(HandlerError, match=r"its signature begins \(self, sid, \.\.\.\)"):

        class Chat(Namespace):
            def on_message(self): ...


def test_a_forgotten_self_is_an_error_with_the_mend():
    with pytest.raises(HandlerError, match=r"on_move has no self; .* begins \(self, sid, \.\.\.\)"):

        class Board(Namespace):
            def on_move(sid, x, y): ...

    with pytest.raises(HandlerError, match="on_connect has no self"):

        class Other(Namespace):
            def on_connect(sid, environ): ...


def test_a_handler_that_yields_is_an_error_with_the_mend():
    with pytest.raises(HandlerError, match="on_lines yields, but a handler answers once; return"):

        class Log(Namespace):
            def on_lines(self, sid):
                yield "a line"

    with pytest.raises(HandlerError, match="on_lines yields"):

        class AsyncLog(Namespace):
            async def on_lines(self, sid):
                yield "a line"


def test_a_catch_all_that_cannot_take_the_event_is_an_error():
    with pytest.raises(HandlerError, match=r"\(self, sid, event, \*args\)"):

        class Chat(Namespace):
            @event("*")
            def rest(self, sid): ...


def test_a_required_keyword_is_an_error():
    with pytest.raises(HandlerError, match="parameter 'text' is keyword-only"):

        class Chat(Namespace):
            def on_message(self, sid, *, text): ...


def test_lifecycle_handlers_that_want_too_much_are_an_error():
    with pytest.raises(HandlerError, match=r"on_connect needs 4 arguments; it is given"):

        class Chat(Namespace):
            def on_connect(self, sid, environ, auth, more): ...

    with pytest.raises(HandlerError, match=r"given \(self, sid, reason\)"):

        class Other(Namespace):
            def on_disconnect(self, sid, reason, more): ...


def test_a_lifecycle_method_is_no_event_handler_too():
    with pytest.raises(HandlerError, match="rename the method"):

        class Chat(Namespace):
            @event("hello")
            def on_connect(self, sid): ...


def test_something_that_only_looks_like_a_handler_is_an_error():
    with pytest.raises(HandlerError, match="on_air looks like a handler, but cannot be called"):

        class Radio(Namespace):
            on_air = True


def test_a_name_from_the_wire_reaches_nothing_but_handlers():
    class Chat(Namespace):
        def on_message(self, sid): ...

    assert discover(Chat).find("handle_error") is None
    assert discover(Chat).find("__init__") is None
    assert discover(Chat).find("on_message") is None
