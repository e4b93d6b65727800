"""What mypy --strict says of middleware and payloads; each wrong line says what."""

from __future__ import annotations

import functools
from collections.abc import Generator
from typing import Any

import attrs

from sionamespace import Call, Middleware, Namespace, Next, Server, Sid, around, event
from sionamespace.middleware import CallLog, HasRole, LoggedIn, RateLimit


@attrs.frozen
class Message:
    text: str


def plain(call: Call, next: Next) -> Any:
    return next(call.with_args(call.sid, *call.args))


async def asynchronous(call: Call, next: Next) -> Any:
    return await next(call)


@around
def looking(call: Call) -> Generator[None]:
    start: float = call.clock()
    yield
    print(call.client.auth, call.session["name"], call.clock() - start)


def parametrized(number: int, call: Call, next: Next) -> Any:
    return next(call)


class Chat(Namespace):
    middleware = [plain, asynchronous, looking, CallLog(), functools.partial(parametrized, 1)]

    @event("say", middleware=[RateLimit(5, per=10), HasRole("admin")])
    def say(self, sid: Sid, message: Message) -> str:
        return message.text


class Sub(Chat):
    middleware = [*Chat.middleware, LoggedIn("user")]


checks: list[Middleware] = [plain, looking]
server = Server({"/": Chat}, middleware=checks)


def no_next(call: Call) -> Any: ...


event(middleware=[no_next])  # error: incompatible type
event(middleware=plain)  # error: incompatible type
around(plain)  # error: incompatible type
RateLimit("5", per=10)  # error: incompatible type


def changes(call: Call, next: Next) -> Any:
    call.args = ()  # error: read-only
    return next(call.kind)  # error: incompatible type


def misspelt(call: Call, next: Next) -> Any:
    return call.arguments  # error: has no attribute


def compares(call: Call, next: Next) -> Any:
    if call.kind == "evnt":  # error: Non-overlapping
        return None
    return next(call)


Chat().say("sid", "text")  # error: incompatible type
