"""The pipeline: from an event to its handler, and from the handler's return to an answer.

It is written once, as ``async def``, and awaits one thing: the handler.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Iterator, Sequence
from typing import Any, Protocol

from sionamespace.errors import AnswerInvalid, PayloadInvalid, Refused
from sionamespace.handlers.call import Call, Kind
from sionamespace.handlers.middleware import Chain, Middleware, Next, compose
from sionamespace.handlers.response import Answer, answer_of, failure, refusal
from sionamespace.handlers.spec import HandlerSpec, HandlerTable
from sionamespace.logs import FirstTimes
from sionamespace.ports import Runtime
from sionamespace.runtime.calls import being_cancelled, call_plain
from sionamespace.runtime.pending import Pending
from sionamespace.runtime.portal import is_async
from sionamespace.sessions import Session
from sionamespace.types import Path, Sid

__all__ = ["Dispatcher", "Owner", "ends_more"]

_log = logging.getLogger("sionamespace.handlers")

_LIFECYCLE = ("connect", "disconnect")

_CONTROL = (KeyboardInterrupt, SystemExit, GeneratorExit)


def ends_more(error: BaseException) -> bool:
    """Whether what a handler raised ends more than the handler: the process, or its own task.

    All else fails the handler: eventlet's and gevent's time-outs, which are no `Exception`, and
    the cancellation of another task, which it awaited.
    """
    if isinstance(error, asyncio.CancelledError):
        return being_cancelled()
    return isinstance(error, _CONTROL)


class Owner(Protocol):
    """The namespace instance whose methods are the handlers."""

    def handle_error(self, sid: Sid, event: str, error: BaseException) -> Any: ...


class Dispatcher:
    """Calls the handlers of one namespace instance.

    Args:
        middleware: what stands around all handlers, outside of the class's own.
        unknown: the log of events that nothing handles, where instances share one.
    """

    def __init__(
        self,
        owner: Owner,
        path: Path,
        table: HandlerTable,
        runtime: Runtime,
        middleware: Sequence[Middleware] = (),
        unknown: FirstTimes | None = None,
    ) -> None:
        self._owner = owner
        self._path = path
        self._table = table
        self.find = table.find
        """The handler of an event, or None: then there is the line of `log_unknown`."""
        self._runtime = runtime
        self._unknown = unknown or FirstTimes(_log)
        table.check()
        outer = (*middleware, *table.middleware)
        self._chains = dict(self._compose(outer))

    async def connect(self, session: Session) -> Refused | None:
        """Run ``on_connect``; why the client is refused, or None if it is let in."""
        try:
            given = (session.environ, session.auth)
            admitted = await self._lifecycle("connect", self._table.connect, session.sid, given)
        except AnswerInvalid as error:
            self.failed(session.sid, "connect", error)
            return Refused("internal error")
        except PayloadInvalid as invalid:
            _log.warning("%s: refusing %s: %s", self._path, session.sid, invalid)
            return Refused(str(invalid), invalid.faults)
        except Refused as refused:
            return refused
        except BaseException as error:
            if ends_more(error):
                raise
            self.failed(session.sid, "connect", error)
            return Refused("internal error")
        return Refused("connection refused by the server") if admitted is False else None

    async def disconnect(self, session: Session, reason: str) -> None:
        """Run ``on_disconnect``."""
        try:
            await self._lifecycle("disconnect", self._table.disconnect, session.sid, (reason,))
        except BaseException as error:
            if ends_more(error):
                raise
            self.failed(session.sid, "disconnect", error)

    async def farewell(self, session: Session) -> None:
        """Call what was to be called after the client has gone; one that fails stops no other."""
        for function, args in session.farewells():
            try:
                await self._runtime.call(function, is_async(function), False, *args)
            except BaseException as error:
                if ends_more(error):
                    raise
                self.failed(session.sid, "disconnect", error)

    async def event(
        self, spec: HandlerSpec, sid: Sid, event: str, args: list[Any], wants_answer: bool
    ) -> Answer:
        """Run the handler of an event; what its client's ack gets."""
        try:
            chain = self._chains.get(spec.event)
            if chain is not None:
                return answer_of(await self._run(chain, "event", event, sid, args, wants_answer))
            return answer_of(await self._call(spec, _event_arguments(spec, sid, event, args)))
        except AnswerInvalid as error:  # of whatever client; it is not for this one to read
            return self.failed(sid, event, error)
        except PayloadInvalid as invalid:
            _log.warning("%s: %r from %s: %s (%s)", self._path, event, sid, invalid, spec.source)
            return (failure(f"{event}: {invalid}", invalid.faults),)
        except Refused as refused:
            return (refusal(refused),)
        except BaseException as error:
            if ends_more(error):
                raise
            return self.failed(sid, event, error)

    async def server_event(self, event: str, args: Sequence[Any], result: Pending[Any]) -> None:
        """Run the handler of an event of servers, which gives ``result`` what it returns."""
        spec = self._table.server.get(event)
        try:
            if spec is None:
                raise PayloadInvalid(f"no method handles the servers' event {event!r:.80}")
            spec.arity.check(len(args), 0)
            checked = args if spec.payload is None else spec.payload.check(args)
            result.resolve(await self._call(spec, checked))
        except PayloadInvalid as invalid:
            _log.warning("%s: %s from another server: %s", self._path, event, invalid)
            result.fail(invalid)
        except BaseException as error:
            if ends_more(error):
                result.cancel()
                raise
            self.failed("", event, error)
            result.fail(error)

    async def server_news(self, method: str, node: str) -> None:
        """Tell the namespace that another server has come or gone."""
        function = getattr(self._owner, method)
        try:
            await self._runtime.call(function, is_async(function), False, node)
        except BaseException as error:
            if ends_more(error):
                raise
            self.failed("", method, error)

    def log_unknown(self, event: str, sid: Sid) -> None:
        """Tell the log of an event that nothing handles."""
        self._unknown.warning(
            event,
            "%s: nothing handles the event %.80r from %s; there are: %s",
            self._path,
            event,
            sid,
            ", ".join(sorted(self._table.events)) or "none",
        )

    def failed(self, sid: Sid, event: str, error: BaseException) -> Answer:
        """What the ack gets after a failure: what `handle_error` returned, or the standard."""
        try:
            answer = answer_of(self._owner.handle_error(sid, event, error))
        except Refused as refused:
            return (refusal(refused),)
        except Exception:
            _log.exception("%s: handle_error failed on %r from %s", self._path, event, sid)
            answer = ()
        return answer or (failure("internal error"),)

    # Calls.

    async def _lifecycle(
        self, kind: Kind, spec: HandlerSpec | None, sid: Sid, args: Sequence[Any]
    ) -> Any:
        """The result of ``on_connect`` or ``on_disconnect``, or of the middleware around it."""
        chain = self._chains.get(kind)
        if chain is not None:
            return await self._run(chain, kind, kind, sid, args, False)
        if spec is None:
            return None
        return await self._call(spec, _lifecycle_arguments(spec, sid, kind, args))

    def _call(self, spec: HandlerSpec, args: Sequence[Any]) -> Awaitable[Any]:
        # Not a coroutine of its own, which each event would pay for.
        handler = getattr(self._owner, spec.method)
        return self._runtime.call(handler, spec.is_async, spec.inline, *args)

    async def _run(
        self, chain: Chain, kind: Kind, event: str, sid: Sid, args: Sequence[Any], answer: bool
    ) -> Any:
        runtime = self._runtime
        call = Call(self._owner, kind, event, sid, tuple(args), answer, runtime.now)
        return await runtime.call(chain.run, chain.is_async, chain.inline, call)

    # Chains.

    def _compose(self, outer: Sequence[Middleware]) -> Iterator[tuple[str, Chain]]:
        """The chain of each handler that has middleware, by its event."""
        for spec in self._table:
            if layers := (*outer, *spec.middleware):
                end = Chain(self._end(spec), spec.is_async, spec.inline)
                yield spec.event, compose(layers, end, self._runtime)
        for kind in set(_LIFECYCLE) - {spec.event for spec in self._table}:
            if outer:
                yield kind, compose(outer, Chain(_nothing, False, True), self._runtime)

    def _end(self, spec: HandlerSpec) -> Next:
        """The end of a chain: what calls the handler, and checks what it is called with."""
        owner, method = self._owner, spec.method
        arguments = _lifecycle_arguments if spec.event in _LIFECYCLE else _event_arguments

        def asynchronous(call: Call) -> Any:
            return getattr(owner, method)(*arguments(spec, call.sid, call.event, call.args))

        def plain(call: Call) -> Any:
            given = arguments(spec, call.sid, call.event, call.args)
            return call_plain(getattr(owner, method), given)

        return asynchronous if spec.is_async else plain


def _event_arguments(
    spec: HandlerSpec, sid: Sid, event: str, args: Sequence[Any]
) -> tuple[Any, ...]:
    """What an event's handler is called with, checked; raises `PayloadInvalid`."""
    spec.arity.check(len(args), spec.given)
    if spec.payload is not None:
        args = spec.payload.check(args)
    return (sid, *args) if spec.given == 1 else (sid, event, *args)


def _lifecycle_arguments(
    spec: HandlerSpec, sid: Sid, kind: str, args: Sequence[Any]
) -> tuple[Any, ...]:
    """What ``on_connect`` or ``on_disconnect`` is called with; raises `PayloadInvalid`."""
    if spec.payload is not None:
        environ, *auth = args
        args = (environ, *spec.payload.check(auth))
    return spec.arity.prefix((sid, *args))


def _nothing(call: Call) -> None:
    """What a client that comes or goes is told by a namespace that does not care."""
