"""`Call`: one call of a handler, as middleware sees it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import msgspec

from sionamespace.client import Client
from sionamespace.types import Sid

__all__ = ["Call", "Kind"]

Kind = Literal["connect", "event", "disconnect"]


class Call(msgspec.Struct, frozen=True):
    """One call of a handler. It never changes; `with_args` makes another one."""

    namespace: Any
    """The namespace instance, whose methods may be used: ``call.namespace.emit(...)``."""
    kind: Kind
    """What is called: ``connect``, ``event`` or ``disconnect``."""
    event: str
    """The event, as the client named it; otherwise the same as ``kind``."""
    sid: Sid
    """Who calls."""
    args: tuple[Any, ...]
    """What comes after the sid, as the client sent it, not yet checked: of an event its arguments,
    of a connect ``(environ, auth)``, of a disconnect ``(reason,)``."""
    wants_answer: bool
    """Whether the client waits for an answer: it sent an event with a callback."""
    clock: Callable[[], float]
    """Seconds on the server's clock, which only goes forward, and which tests move."""

    @property
    def client(self) -> Client:
        """What is known of the client now: its auth, its headers, its rooms."""
        client: Client = self.namespace.client(self.sid)
        return client

    @property
    def session(self) -> dict[str, Any]:
        """The client's own dict, as `Namespace.session` gives it."""
        session: dict[str, Any] = self.namespace.session(self.sid)
        return session

    def with_args(self, *args: Any) -> Call:
        """The same call with other arguments, to be given to ``next``."""
        return Call(
            self.namespace, self.kind, self.event, self.sid, args, self.wants_answer, self.clock
        )
