"""`Mounted`: a namespace at its path, with all that serves it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import attrs

from sionamespace.delivery import Delivery
from sionamespace.errors import Refused
from sionamespace.handlers.dispatch import Dispatcher
from sionamespace.handlers.middleware import Middleware
from sionamespace.logs import FirstTimes
from sionamespace.namespace import Namespace
from sionamespace.ports import Host
from sionamespace.runtime.line import Job, Line
from sionamespace.sessions import Session, Sessions
from sionamespace.types import Path

__all__ = ["Mounted", "Place"]


@attrs.frozen
class Place:
    """A path on a server, ready for a namespace."""

    path: Path
    delivery: Delivery
    sessions: Sessions
    middleware: Sequence[Middleware]
    """The server's, which stands around the handlers of whatever namespace settles here."""
    news: Line
    """What the namespace is told of other servers, one thing after the other."""

    def settle(
        self,
        namespace: Namespace,
        host: Host,
        params: Mapping[str, Any] | None = None,
        unknown: FirstTimes | None = None,
    ) -> Dispatcher:
        """Mount a namespace here, and return what calls its handlers."""
        namespace.mount(self.delivery, host, params)
        table, runtime = namespace.handlers, self.delivery.runtime
        return Dispatcher(namespace, self.path, table, runtime, self.middleware, unknown)


class Mounted:
    """A namespace with all that serves it. It is there as long as the server.

    What is there only while it has clients is a `sionamespace.instances.Instance`.
    """

    def __init__(self, place: Place, namespace: Namespace, host: Host) -> None:
        self.delivery = place.delivery
        self.news = place.news
        self.sessions = place.sessions
        self.namespace = namespace
        self.dispatcher = place.settle(namespace, host)

    def put(self, session: Session, admit: Job) -> None:
        """Run the job that lets a client in, in its line, once clients may come."""
        session.line.put(admit)

    async def connect(self, session: Session) -> Refused | None:
        """Run ``on_connect``; why the client is refused, or None if it is let in."""
        return await self.dispatcher.connect(session)

    async def farewell(self, session: Session) -> None:
        """Call what was to be called after the client has gone."""
        await self.dispatcher.farewell(session)

    def left(self) -> None:
        """Told after a client was forgotten."""
