"""The pipeline: from an event to its handler, and from the handler's return to an answer.

It is written once, as ``async def``, and awaits one thing: the handler.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Any, Protocol

from sionamespace.errors import PayloadInvalid, Refused
from sionamespace.handlers.response import Answer, answer_of, failure, refusal
from sionamespace.handlers.spec import CATCH_ALL, HandlerSpec, HandlerTable
from sionamespace.logs import FirstTimes
from sionamespace.ports import Runtime
from sionamespace.runtime.portal import is_async
from sionamespace.sessions import Session
from sionamespace.types import Path, Sid

__all__ = ["CONTROL", "Dispatcher", "Owner"]

_log = logging.getLogger("sionamespace.handlers")

CONTROL = (KeyboardInterrupt, SystemExit, GeneratorExit, asyncio.CancelledError)
"""What ends more than a handler. All else fails the handler: eventlet's and gevent's time-outs,
too, which are no `Exception`."""


class Owner(Protocol):
    """The namespace instance whose methods are the handlers."""

    def handle_error(self, sid: Sid, event: str, error: BaseException) -> Any: ...


class Dispatcher:
    """Calls the handlers of one namespace instance.

    Args:
        unknown: the log of events that nothing handles, where instances share one.
    """

    def __init__(
        self,
        owner: Owner,
        path: Path,
        table: HandlerTable,
        runtime: Runtime,
        unknown: FirstTimes | None = None,
    ) -> None:
        self._owner = owner
        self._path = path
        self._table = table
        self._runtime = runtime
        self._unknown = unknown or FirstTimes(_log)

    async def connect(self, session: Session) -> Refused | None:
        """Run ``on_connect``; why the client is refused, or None if it is let in."""
        spec = self._table.connect
        if spec is None:
            return None
        given = (session.sid, session.environ, session.auth)
        try:
            admitted = await self._call(spec, *spec.arity.prefix(given))
        except Refused as refused:
            return refused
        except CONTROL:
            raise
        except BaseException as error:
            self.failed(session.sid, spec.event, error)
            return Refused("internal error")
        return Refused("connection refused by the server") if admitted is False else None

    async def disconnect(self, session: Session, reason: str) -> None:
        """Run ``on_disconnect``."""
        spec = self._table.disconnect
        if spec is None:
            return
        try:
            await self._call(spec, *spec.arity.prefix((session.sid, reason)))
        except CONTROL:
            raise
        except BaseException as error:
            self.failed(session.sid, spec.event, error)

    async def farewell(self, session: Session) -> None:
        """Call what was to be called after the client has gone; one that fails stops no other."""
        for function, args in session.farewells():
            try:
                await self._runtime.call(function, is_async(function), False, *args)
            except CONTROL:
                raise
            except BaseException as error:
                self.failed(session.sid, "disconnect", error)

    async def event(self, spec: HandlerSpec, sid: Sid, event: str, args: list[Any]) -> Answer:
        """Run the handler of an event; what its client's ack gets."""
        try:
            spec.arity.check(len(args), spec.given)
            if spec.event == CATCH_ALL:
                return answer_of(await self._call(spec, sid, event, *args))
            return answer_of(await self._call(spec, sid, *args))
        except PayloadInvalid as invalid:
            _log.warning("%s: %s from %s: %s (%s)", self._path, event, sid, invalid, spec.source)
            return (failure(f"{event}: {invalid}"),)
        except Refused as refused:
            return (refusal(refused),)
        except CONTROL:
            raise
        except BaseException as error:
            return self.failed(sid, event, error)

    def find(self, event: str, sid: Sid) -> HandlerSpec | None:
        """The handler of an event; None, and a log line, if there is none."""
        spec = self._table.find(event)
        if spec is None:
            self._log_unknown(event, sid)
        return spec

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

    async def _call(self, spec: HandlerSpec, *args: Any) -> Any:
        handler = getattr(self._owner, spec.method)
        return await self._runtime.call(handler, spec.is_async, spec.inline, *args)

    def _log_unknown(self, event: str, sid: Sid) -> None:
        self._unknown.warning(
            event,
            "%s: nothing handles the event %.80r from %s; there are: %s",
            self._path,
            event,
            sid,
            ", ".join(sorted(self._table.events)) or "none",
        )
