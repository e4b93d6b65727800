"""`Instances`: the namespaces at paths that match a pattern, each there while it has clients."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from enum import Enum, auto
from typing import Any

from sionamespace.errors import Refused
from sionamespace.handlers.dispatch import Dispatcher, ends_more
from sionamespace.logs import FirstTimes
from sionamespace.mounted import Place
from sionamespace.namespace import Namespace
from sionamespace.ports import Host, Runtime
from sionamespace.router import PatternRoute, Router
from sionamespace.runtime.line import Job
from sionamespace.runtime.portal import is_async
from sionamespace.sessions import Session
from sionamespace.types import Path

__all__ = ["Instance", "Instances"]

_log = logging.getLogger("sionamespace.handlers")


class _State(Enum):
    WAITING = auto()
    """The one before it at its path still closes."""
    OPENING = auto()
    OPEN = auto()
    REFUSED = auto()
    """It could not be opened; who came for it is turned away."""
    CLOSING = auto()


class Instance:
    """A namespace at one path that matches a pattern; for connections as `Mounted` is.

    Its state changes on the engine's thread only. The application's code, from the constructor of
    the class to ``closed``, runs in jobs of its own, as handlers do.

    Args:
        unknown: the log of events that nothing handles.
        opened: called when it is open.
        gone: called when it has ended.
    """

    namespace: Namespace
    """Not there before it is open, and nor is its dispatcher."""
    dispatcher: Dispatcher

    def __init__(
        self,
        place: Place,
        route: PatternRoute,
        params: Mapping[str, Any],
        host: Host,
        unknown: FirstTimes,
        opened: Callable[[Instance], object],
        gone: Callable[[Instance], object],
    ) -> None:
        self.path = place.path
        self.route = route
        self.delivery = place.delivery
        self.news = place.news
        self.sessions = place.sessions
        self.successor: Instance | None = None
        """Who comes while it closes waits for that one."""
        self._place = place
        self._params = params
        self._host = host
        self._unknown = unknown
        self._runtime: Runtime = place.delivery.runtime
        self._tell_opened = opened
        self._tell_gone = gone
        self._state = _State.WAITING
        self._refused: Refused | None = None
        self._coming: list[tuple[Session, Job]] = []

    @property
    def is_open(self) -> bool:
        """Whether ``opened`` has run and clients are there, or still may come."""
        return self._state is _State.OPEN

    @property
    def is_ending(self) -> bool:
        """Whether it takes no more clients."""
        return self._state in (_State.REFUSED, _State.CLOSING)

    # What connections ask, on the engine's thread.

    def put(self, session: Session, admit: Job) -> None:
        """Run the job that lets a client in, in its line, once clients may come."""
        if self._state is _State.OPEN:
            session.line.put(admit)
        else:
            self._coming.append((session, admit))

    async def connect(self, session: Session) -> Refused | None:
        """Run ``on_connect``; why the client is refused, or None if it is let in."""
        return self._refused or await self.dispatcher.connect(session)

    async def farewell(self, session: Session) -> None:
        """Call what was to be called after the client has gone."""
        if self._state is _State.OPEN:  # before, nobody could ask for it
            await self.dispatcher.farewell(session)

    def left(self) -> None:
        """Told after a client was forgotten."""
        if self.sessions:
            return
        if self._state is _State.OPEN:
            self._state = _State.CLOSING
            self._runtime.start(self._close)
        elif self._state is _State.REFUSED:
            self._tell_gone(self)

    # Its life.

    def begin_soon(self) -> None:
        """Begin when the client has been added for whom it is made."""
        self._runtime.post(self.begin)

    def begin(self) -> None:
        """Make the namespace, and open it; if nobody waits for it any longer, it is gone."""
        if self.sessions:
            self._state = _State.OPENING
            self._runtime.start(self._open)
        else:
            self._tell_gone(self)

    async def _open(self) -> None:
        refused: Refused | None = Refused("internal error")
        try:
            refused = await self._refusal()
        finally:
            self._runtime.on_engine(self._opened, refused)

    async def _refusal(self) -> Refused | None:
        """Why the namespace cannot be had; None if it could be opened."""
        try:
            self.namespace = await self._runtime.call(self.route.make, False, False)
            self.dispatcher = self._place.settle(
                self.namespace, self._host, self._params, self._unknown
            )
            await self._run("opened")
        except Refused as refused:
            return refused
        except BaseException as error:
            if ends_more(error):
                raise
            self._failed("opened", error)
            return Refused("internal error")
        return None

    def _opened(self, refused: Refused | None) -> None:
        self._refused = refused
        self._state = _State.REFUSED if refused else _State.OPEN
        coming, self._coming = self._coming, []
        for session, admit in coming:
            if session.leaving is None:
                session.line.put(admit)
        if refused is None:
            self._tell_opened(self)
        self.left()  # they may all have left meanwhile

    async def _close(self) -> None:
        try:
            await self._run("closed")
        except BaseException as error:
            if ends_more(error):
                raise
            self._failed("closed", error)
        finally:
            self._runtime.on_engine(self._tell_gone, self)

    async def _run(self, name: str) -> None:
        if getattr(type(self.namespace), name) is not getattr(Namespace, name):
            method = getattr(self.namespace, name)
            await self._runtime.call(method, is_async(method), False)

    def _failed(self, name: str, error: BaseException) -> None:
        if not hasattr(self, "dispatcher"):
            self._host.report_error(self.path, "", "__init__", error)
        else:
            self.dispatcher.failed("", name, error)


class Instances:
    """The instances of a server, by their paths.

    Args:
        place: what makes a place at a path.
        opened: called with each when it is open.
        most: how many there may be at once.
    """

    def __init__(
        self,
        router: Router,
        host: Host,
        place: Callable[[Path], Place],
        opened: Callable[[Instance], object],
        most: int,
    ) -> None:
        self._router = router
        self._host = host
        self._place = place
        self._opened = opened
        self._most = most
        self._living: dict[Path, Instance] = {}
        self._full, self._unknown = FirstTimes(_log), FirstTimes(_log)
        self.get = self._living.get

    def __len__(self) -> int:
        return len(self._living)

    @property
    def open(self) -> list[Instance]:
        """Those that are open."""
        return [each for each in list(self._living.values()) if each.is_open]

    def find(self, path: Path) -> Instance | None:
        """The instance at a path, made now if there is none; None if no pattern matches.

        Whoever asks on the engine's thread adds a client to it at once.

        Raises:
            Refused: if there are too many.
        """
        living = self._living.get(path)
        if living is not None and not living.is_ending:
            return living
        if living is not None and living.successor is not None:
            return living.successor
        found = self._router.match(path)
        if found is None:
            return None
        if living is None and len(self._living) >= self._most:
            self._warn(found[0])
            raise Refused("too many namespaces")
        made = self._make(path, *found)
        if living is None:
            self._living[path] = made
            made.begin_soon()
        else:
            living.successor = made
        return made

    def of(self, pattern: Path) -> list[Namespace]:
        """The open namespaces at paths that match a pattern."""
        return [each.namespace for each in self.open if each.route.pattern.path == pattern]

    def _make(self, path: Path, route: PatternRoute, params: Mapping[str, Any]) -> Instance:
        tell = self._opened, self._gone
        return Instance(self._place(path), route, params, self._host, self._unknown, *tell)

    def _gone(self, instance: Instance) -> None:
        if self._living.get(instance.path) is not instance:
            return
        if instance.successor is None:
            del self._living[instance.path]
        else:
            self._living[instance.path] = instance.successor
            instance.successor.begin()

    def _warn(self, route: PatternRoute) -> None:
        text = "%s: refusing a client: %d namespaces are open, which is max_dynamic_namespaces"
        path = route.pattern.path
        self._full.warning(path, text, path, self._most)
