"""Middleware around handlers: its order, what it sees and may do, and def around async def."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import functools
import threading

import pytest

from sionamespace import Call, HandlerError, Namespace, Refused, Reply, UsageError, around, event
from sionamespace.testing import Harness

pytestmark = pytest.mark.every_runtime

INTERNAL = {"error": {"message": "internal error"}}


def tracing(name, trail):
    """Middleware of both kinds, and of the one that takes the kind of what it stands around."""

    def plain(call, next):
        trail.append(name)
        result = next(call)
        trail.append(f"/{name}")
        return result

    async def asynchronous(call, next):
        trail.append(name)
        await asyncio.sleep(0)
        result = await next(call)
        trail.append(f"/{name}")
        return result

    @around
    def looking(call):
        trail.append(name)
        yield
        trail.append(f"/{name}")

    return {"def": plain, "async def": asynchronous, "around": looking}


def kinds_of(number):
    """Names of kinds for so many layers: each kind outside, and each change of kind."""
    return [
        pytest.param(kinds, id="-".join(kinds).replace(" ", "_"))
        for kinds in [
            ("def",) * number,
            ("async def",) * number,
            ("around",) * number,
            *[("def", "async def", "def", "around")[:number], ("async def", "def", "async def")],
        ]
    ]


@pytest.mark.parametrize("kinds", kinds_of(3))
@pytest.mark.parametrize("name", ["plain", "asynchronous"])
def test_server_then_class_then_handler_around_def_and_async_def(kinds, name):
    trail = []
    server, of_class, of_handler = (
        tracing(layer, trail)[kind]
        for layer, kind in zip(("server", "class", "handler"), kinds, strict=True)
    )

    class Chat(Namespace):
        middleware = [of_class]

        @event(middleware=[of_handler])
        def on_plain(self, sid, value):
            trail.append("it")
            return value + 1

        @event(middleware=[of_handler])
        async def on_asynchronous(self, sid, value):
            await asyncio.sleep(0)
            trail.append("it")
            return value + 1

    with Harness(Chat(), middleware=[server]) as h:
        client = h.connect()
        trail.clear()  # on_connect is called, too
        assert client.call(name, 1) == 2
        layers = ["server", "class", "handler"]
        assert trail == [*layers, "it", *(f"/{layer}" for layer in reversed(layers))]


@pytest.mark.parametrize("kinds", kinds_of(3))
@pytest.mark.parametrize("name", ["plain", "asynchronous"])
def test_what_a_handler_raises_passes_through_every_kind(kinds, name):
    trail = []

    class Chat(Namespace):
        middleware = [tracing(str(at), trail)[kind] for at, kind in enumerate(kinds)]

        def on_plain(self, sid):
            raise Refused("no", 5)

        async def on_asynchronous(self, sid):
            raise Refused("no", 5)

    with Harness(Chat()) as h:
        client = h.connect()
        trail.clear()
        assert client.call(name) == {"error": {"message": "no", "data": 5}}
        assert trail == ["0", "1", "2"]


def test_it_sees_the_call():
    seen = []

    def watch(call, next):
        seen.append(call)
        return next(call)

    class Chat(Namespace):
        middleware = [watch]

        def on_connect(self, sid, environ, auth):
            self.session(sid)["name"] = auth["name"]

        @event("*")
        def rest(self, sid, name, *args): ...

    chat = Chat()
    with Harness({"/chat": chat}) as h:
        client = h.connect(auth={"name": "Ann"})
        client.call("any name", 1, b"two")
        client.emit("other")
        sid = client.sid
        client.disconnect()
    came, called, emitted, left = seen
    assert (came.kind, came.event, came.sid, came.wants_answer) == (
        "connect",
        "connect",
        sid,
        False,
    )
    assert came.args[0]["REMOTE_ADDR"] == "127.0.0.1"
    assert came.args[1] == {"name": "Ann"}
    assert called.namespace is chat
    assert (called.kind, called.event, called.args) == ("event", "any name", (1, b"two"))
    assert called.wants_answer
    assert (emitted.event, emitted.args, emitted.wants_answer) == ("other", (), False)
    assert (left.kind, left.event, left.args) == (
        "disconnect",
        "disconnect",
        ("client disconnect",),
    )
    with pytest.raises(AttributeError):
        called.args = ()


def test_client_and_session_are_those_of_the_caller():
    found = []

    async def watch(call, next):
        result = await next(call)
        found.append((call.kind, call.client.auth, call.client.sid == call.sid, call.session["n"]))
        return result

    class Chat(Namespace):
        def on_connect(self, sid):
            self.session(sid)["n"] = 0

        def on_message(self, sid):
            self.session(sid)["n"] += 1

        def on_disconnect(self, sid): ...

    with Harness(Chat(), middleware=[watch]) as h:
        client = h.connect(auth={"a": 1})
        client.call("message")
        client.disconnect()
    assert found == [
        ("connect", {"a": 1}, True, 0),
        ("event", {"a": 1}, True, 1),
        ("disconnect", {"a": 1}, True, 1),
    ]


def test_it_may_change_arguments_and_result():
    def shout(call, next):
        return next(call.with_args(*(text.upper() for text in call.args))) + "!"

    class Chat(Namespace):
        @event(middleware=[shout])
        def on_message(self, sid, text):
            return text

    with Harness(Chat()) as h:
        assert h.connect().call("message", "hi") == "HI!"


def test_it_may_answer_by_itself():
    def cached(call, next):
        return ("from", "the cache") if call.args == (1,) else next(call)

    class Chat(Namespace):
        @event(middleware=[cached])
        async def on_get(self, sid, number):
            return number

    with Harness(Chat()) as h:
        client = h.connect()
        assert client.call("get", 1) == ("from", "the cache")
        assert client.call("get", 2) == 2


def test_it_may_call_next_again():
    tries = []

    async def retrying(call, next):
        while True:
            try:
                return await next(call)
            except ConnectionError:
                pass

    class Chat(Namespace):
        @event(middleware=[retrying])
        def on_fetch(self, sid):
            tries.append(1)
            if len(tries) < 3:
                raise ConnectionError
            return len(tries)

    with Harness(Chat()) as h:
        assert h.connect().call("fetch") == 3


def test_several_nexts_at_once_are_all_run():
    async def twice(call, next):
        return await asyncio.gather(next(call.with_args(1)), next(call.with_args(2)))

    class Chat(Namespace):
        @event(middleware=[twice])
        def on_get(self, sid, number):
            return number * 10

    with Harness(Chat()) as h:
        assert h.connect().call("get", 0) == [10, 20]


@pytest.mark.parametrize("kind", ["def", "async def", "around"])
def test_a_connect_is_refused_by_it_also_without_on_connect(kind):
    def strict(call):
        if call.kind == "connect" and not (call.args[1] or {}).get("token"):
            raise Refused("a token, please", {"code": 401})

    def plain(call, next):
        strict(call)
        return next(call)

    async def asynchronous(call, next):
        strict(call)
        return await next(call)

    @around
    def looking(call):
        strict(call)
        yield

    class Chat(Namespace):
        middleware = [{"def": plain, "async def": asynchronous, "around": looking}[kind]]

    with Harness(Chat()) as h:
        assert h.connect(auth={"token": "x"}).connected
        refused = h.connect().refused
        assert (refused.message, refused.data) == ("a token, please", {"code": 401})


def test_the_auth_that_on_connect_gets_may_be_changed():
    def decoded(call, next):
        environ, auth = call.args
        return next(call.with_args(environ, {"user": auth["token"].split(":")[0]}))

    class Chat(Namespace):
        @event(middleware=[decoded])
        def on_connect(self, sid, environ, auth):
            self.session(sid)["user"] = auth["user"]

        def on_who(self, sid):
            return self.session(sid)["user"]

    with Harness(Chat()) as h:
        assert h.connect(auth={"token": "ann:1234"}).call("who") == "ann"


def test_a_false_of_it_refuses_a_connect():
    class Chat(Namespace):
        middleware = [lambda call, next: False]

    with Harness(Chat()) as h:
        assert h.connect().refused.message == "connection refused by the server"


def test_a_reply_passes_through():
    replies = []

    class Chat(Namespace):
        middleware = [lambda call, next: next(call)]

        def on_later(self, sid):
            replies.append(Reply())
            return replies[0]

    with Harness(Chat()) as h:
        request = h.connect().request("later")
        assert not request.answered
        replies[0].send("now")
        h.settle()
        assert request.answer == "now"


@pytest.mark.parametrize("kind", ["connect", "event", "disconnect"])
def test_one_that_fails_is_a_handler_that_fails(kind):
    class Chat(Namespace):
        def on_x(self, sid):
            return "not reached"

    def broken(call, next):
        if call.kind == kind:
            raise ValueError("a secret")
        return next(call)

    with Harness(Chat(), middleware=[broken], raise_errors=False) as h:
        client = h.connect()
        if kind == "connect":
            assert client.refused.message == "internal error"
        else:
            assert client.call("x") == (INTERNAL if kind == "event" else "not reached")
            client.disconnect()
        assert [type(error) for error in h.errors] == [ValueError]


def test_handle_error_is_told_of_it_too():
    class Chat(Namespace):
        middleware = [lambda call, next: 1 / 0 if call.kind == "event" else next(call)]

        def on_x(self, sid): ...

        def handle_error(self, sid, event, error):
            return {"event": event, "error": type(error).__name__}

    with Harness(Chat()) as h:
        assert h.connect().call("x") == {"event": "x", "error": "ZeroDivisionError"}


def test_that_of_base_classes_and_mixins_stays_outside_and_is_there_once():
    trail = []
    one, two, three = (tracing(name, trail)["def"] for name in "123")

    class Mixin:
        middleware = [two]

    class Base(Namespace):
        middleware = [one]

    class Chat(Mixin, Base):
        middleware = [*Base.middleware, three]

        def on_x(self, sid): ...

    with Harness(Chat()) as h:
        client = h.connect()
        trail.clear()
        client.call("x")
    assert trail[:3] == ["1", "2", "3"]
    assert len(trail) == 6


def test_an_override_keeps_that_of_the_handler_unless_it_is_decorated_itself():
    loud = [lambda call, next: f"{next(call)}!"]

    class Base(Namespace):
        @event("a", middleware=loud)
        def first(self, sid): ...

        @event("b", middleware=loud)
        def second(self, sid): ...

    class Chat(Base):
        def first(self, sid):
            return "a"

        @event("b")
        def second(self, sid):
            return "b"

    with Harness(Chat()) as h:
        client = h.connect()
        assert [client.call(name) for name in "ab"] == ["a!", "b"]


def test_what_it_emits_and_what_its_handler_emits_comes_in_order_and_before_the_answer():
    async def framing(call, next):
        call.namespace.emit("before")
        result = await next(call)
        call.namespace.emit("after")
        return result

    class Chat(Namespace):
        @event(middleware=[framing, lambda call, next: next(call)])
        def on_x(self, sid):
            self.emit("within")
            return "answer"

    with Harness(Chat()) as h:
        client = h.connect()
        assert client.call("x") == "answer"
        assert [event.name for event in client.received()] == ["before", "within", "after"]


def test_a_handler_may_wait_for_its_client_under_any_middleware():
    async def outer(call, next):
        return await next(call)

    class Chat(Namespace):
        middleware = [lambda call, next: next(call), outer]

        def on_clear(self, sid):
            return self.call("confirm", "sure?", room=sid).result()

        async def on_erase(self, sid):
            return await self.call("confirm", "sure?", room=sid)

    with Harness(Chat()) as h:
        client = h.connect()
        client.answers("confirm", "yes")
        assert [client.call(name) for name in ("clear", "erase")] == ["yes", "yes"]


def test_context_variables_reach_the_handler():
    variable = contextvars.ContextVar("variable", default="nothing")

    async def setting(call, next):
        variable.set("set")
        return await next(call)

    class Chat(Namespace):
        middleware = [lambda call, next: next(call), setting, lambda call, next: next(call)]

        def on_plain(self, sid):
            return variable.get()

        async def on_asynchronous(self, sid):
            return variable.get()

    with Harness(Chat()) as h:
        client = h.connect()
        assert client.call("plain") == "set"
        assert client.call("asynchronous") == "set"


def test_a_def_inside_of_an_async_def_runs_on_the_thread_of_the_def_outside():
    threads = []

    def outer(call, next):
        threads.append(threading.get_ident())
        return next(call)

    async def middle(call, next):
        return await next(call)

    class Chat(Namespace):
        @event(middleware=[outer, middle])
        def on_x(self, sid):
            threads.append(threading.get_ident())

    with Harness(Chat()) as h:
        h.connect().call("x")
    assert threads[0] == threads[1]


def test_no_thread_waits_for_another_that_all_others_have():
    """Under asyncio there are 64 worker threads; each has a def outside, before one goes on."""
    came, all_there = [], asyncio.Event()

    async def middle(call, next):
        came.append(call)
        if len(came) == 64:
            all_there.set()
        await all_there.wait()
        return await next(call)

    class Chat(Namespace):
        @event(concurrent=True, middleware=[lambda call, next: next(call), middle])
        def on_x(self, sid, number):
            return number

    with Harness(Chat()) as h:
        client = h.connect()
        requests = [client.request("x", number) for number in range(80)]
        assert [request.answer for request in requests] == list(range(80))


def test_a_handler_that_sets_off_another_call_leaves_its_thread_out_of_it():
    """on_disconnect of another client is no part of the call that sent it away, and outlives it."""
    left = []

    async def middle(call, next):
        if call.kind == "disconnect":
            await asyncio.sleep(1)
        return await next(call)

    class Chat(Namespace):
        middleware = [middle, lambda call, next: next(call)]

        @event(middleware=[lambda call, next: next(call)])
        async def on_kick(self, sid, other):
            self.disconnect(other)
            await asyncio.sleep(0)

        def on_disconnect(self, sid):
            left.append(sid)

    with Harness(Chat()) as h:
        ann, bob = h.connect(), h.connect()
        sid = bob.sid
        ann.call("kick", sid)
        assert left == []
        h.advance(2)
        assert left == [sid]


def test_next_after_the_end_of_its_middleware_is_an_error():
    errors, tasks = [], []

    async def late(call, next):
        await asyncio.sleep(1)
        try:
            await next(call)
        except UsageError as error:
            errors.append(str(error))

    async def keeping(call, next):
        tasks.append(asyncio.ensure_future(late(call, next)))
        return "answered"

    class Chat(Namespace):
        @event(middleware=[lambda call, next: next(call), keeping])
        def on_x(self, sid):
            raise AssertionError("nobody waits for it")

    with Harness(Chat()) as h:
        assert h.connect().call("x") == "answered"
        h.advance(2)
    assert "after its middleware had ended" in errors[0]


# What is wrong is said.


@pytest.mark.parametrize(
    ("middleware", "text"),
    [
        (lambda call: None, r"<lambda>\(call\) \(.*test_middleware.py:\d+\) cannot be called with"),
        ("log", "is a list"),
        ([5], "is a def or async def of (call, next), not 5"),
        ([Reply], "Reply is a class; make an instance of it, Reply(...)"),
        (5, "is a list of middleware, not 5"),
    ],
)
def test_what_is_no_middleware_is_said_wherever_it_is_given(middleware, text):
    if callable(middleware):
        middleware = [middleware]
    else:
        text = text.replace("(", r"\(").replace(")", r"\)").replace("...", r"\.\.\.")
    with pytest.raises(HandlerError, match=rf"@event\(middleware=\).*{text}"):
        event("x", middleware=middleware)
    with pytest.raises(HandlerError, match=rf"Chat\.middleware.*{text}"):
        type("Chat", (Namespace,), {"middleware": middleware})
    with pytest.raises(HandlerError, match=rf"Server\(middleware=\).*{text}"):
        Harness(Namespace(), middleware=middleware)


def test_one_alone_is_said_to_belong_into_a_list():
    def log(call, next): ...

    with pytest.raises(HandlerError, match=r"is a list, such as \[log\], not the thing alone"):
        event("x", middleware=log)


def test_a_yield_without_around_is_said():
    def timing(call, next):
        yield

    with pytest.raises(HandlerError, match=r"timing .* has a yield; decorate it with @around"):
        event("x", middleware=[timing])


def test_around_without_a_yield_is_said():
    with pytest.raises(HandlerError, match="@around takes a def with one yield"):
        around(lambda call: None)


def test_around_that_swallows_an_error_is_said():
    @around
    def careless(call):
        with contextlib.suppress(ValueError):
            yield

    class Chat(Namespace):
        middleware = [careless]

        def on_x(self, sid):
            raise ValueError

    with Harness(Chat(), raise_errors=False) as h:
        assert h.connect().call("x") == INTERNAL
        assert "careless" in str(h.errors[0])
        assert "swallowed" in str(h.errors[0])


async def _forgets(call, next):
    return next(call)


async def _passes(call, next):
    return await next(call)


@pytest.mark.parametrize(
    "middleware", [_forgets, lambda call, next: _passes(call, next)], ids=["await", "async"]
)
def test_one_that_forgets_to_await_is_said(middleware):
    class Chat(Namespace):
        @event(middleware=[middleware])
        async def on_x(self, sid): ...

    with Harness(Chat(), raise_errors=False) as h:
        assert h.connect().call("x") == INTERNAL
        assert "await next(call)" in str(h.errors[0])
        assert "test_middleware.py" in str(h.errors[0])


def test_partials_and_objects_are_middleware_too():
    class Adding:
        def __init__(self, number):
            self._number = number

        async def __call__(self, call, next):
            return await next(call) + self._number

    def multiplying(by, call, next):
        return next(call) * by

    class Chat(Namespace):
        @event(middleware=[functools.partial(multiplying, 2), Adding(3)])
        def on_x(self, sid, number):
            return number

    with Harness(Chat()) as h:
        assert h.connect().call("x", 4) == 14


def test_nothing_is_put_around_what_nobody_handles(caplog):
    calls: list[Call] = []

    class Chat(Namespace):
        middleware = [lambda call, next: calls.append(call) or next(call)]

    with Harness(Chat()) as h:
        client = h.connect()
        calls.clear()
        client.emit("nope")
        client.emit("on_connect")
    assert calls == []
