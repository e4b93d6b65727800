"""Middleware that is ready to use: `RateLimit`, `LoggedIn`, `HasRole`, `CallLog`; and `around`.

    class Chat(Namespace):
        middleware = [CallLog(), LoggedIn("user")]

        @event(middleware=[RateLimit(5, per=10)])
        def on_message(self, sid, text): ...

    server = Server({"/chat": Chat()}, middleware=[...])

Each runs in the place of what it stands around, a ``def`` or an ``async def``, and never blocks.
One instance may stand around as much as you like.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator, Hashable
from contextlib import contextmanager
from typing import Any

from sionamespace.errors import AnswerInvalid, ConfigurationError, PayloadInvalid, Refused
from sionamespace.handlers.call import Call
from sionamespace.handlers.middleware import Around, Middleware, Next, around
from sionamespace.runtime.originals import new_lock

__all__ = [
    "Around",
    "Call",
    "CallLog",
    "HasRole",
    "LoggedIn",
    "Middleware",
    "Next",
    "RateLimit",
    "around",
]

_log = logging.getLogger("sionamespace.calls")


class RateLimit(Around):
    """So many events in so many seconds, for each client and each event; more are refused.

    A client that was silent for long may send all of them at once. The ack of a refused one gets
    the message ``too many requests`` and the data ``{"retry_after": seconds}``.

    Args:
        calls: how many events.
        per: in how many seconds.
        key: what is counted together, of a call: the client and the event by default. A client
            that comes back is a new one; ``lambda call: call.client.environ["REMOTE_ADDR"]`` knows
            it again. With a key of your own, connects are counted too.

    Raises:
        ConfigurationError: for a number that is not above 0.
    """

    def __init__(
        self, calls: float, per: float, key: Callable[[Call], Hashable] | None = None
    ) -> None:
        if not (calls > 0 and per > 0):
            raise ConfigurationError(f"RateLimit({calls}, per={per}): expected numbers above 0")
        self._interval = per / calls
        self._slack = per - self._interval
        self._key = key or _client_and_event
        self._kinds = ("event",) if key is None else ("event", "connect")
        self._full_again: dict[Hashable, float] = {}
        """When somebody may send all at once again. Whose time has passed needs no entry."""
        self._sweep_at = 1000
        self._lock = new_lock()

    @contextmanager
    def enter(self, call: Call) -> Generator[None]:
        if call.kind in self._kinds:
            # The times of two servers are those of two clocks, and are nothing to each other.
            wait = self._wait((call.clock, self._key(call)), call.clock())
            if wait > 0:
                raise Refused("too many requests", {"retry_after": round(wait, 3)})
        yield

    def _wait(self, key: Hashable, now: float) -> float:
        """How many seconds are missing until one more is allowed; if none, it is counted."""
        with self._lock:
            full_again = max(self._full_again.get(key, now), now)
            missing = full_again - now - self._slack
            if missing <= 1e-9:  # what is left of a division
                self._full_again[key] = full_again + self._interval
                self._sweep(now)
                return 0
            return missing

    def _sweep(self, now: float) -> None:
        """Forget those who need no entry, whenever there are twice as many as after the last."""
        if len(self._full_again) > self._sweep_at:
            self._full_again = {key: at for key, at in self._full_again.items() if at > now}
            self._sweep_at = max(1000, 2 * len(self._full_again))


def _client_and_event(call: Call) -> Hashable:
    return call.namespace.path, call.sid, call.event


class _Gate(Around):
    """Looks at a client's session: before each event, and at a connect as soon as it is written."""

    key: str
    message: str

    @contextmanager
    def enter(self, call: Call) -> Generator[None]:
        if call.kind == "event" or (call.kind == "connect" and self.key in call.session):
            self._check(call.session)
        yield
        if call.kind == "connect":
            self._check(call.session)

    def _check(self, session: dict[str, Any]) -> None:
        if not self._opens(session):
            raise Refused(self.message)

    def _opens(self, session: dict[str, Any]) -> bool:
        raise NotImplementedError


class LoggedIn(_Gate):
    """Lets through whose session says who they are; ``on_connect`` writes it, or a middleware.

    On a class or a server, a client that ``on_connect`` let in without is refused, so that it
    cannot listen either; on a handler, only that event is.

    Args:
        key: what the session must have, and not empty.
        message: what others are told.
    """

    def __init__(self, key: str = "user", message: str = "log in first") -> None:
        self.key = key
        self.message = message

    def _opens(self, session: dict[str, Any]) -> bool:
        return bool(session.get(self.key))


class HasRole(_Gate):
    """Lets through whose session says that they have one of these roles; else as `LoggedIn`.

    Args:
        roles: the roles, each of which is enough.
        key: where the session has the client's role, or a list or set of them.
        message: what others are told.

    Raises:
        ConfigurationError: without any role.
    """

    def __init__(self, *roles: str, key: str = "role", message: str = "not allowed") -> None:
        if not roles:
            raise ConfigurationError("HasRole() lets nobody through; name a role, HasRole('admin')")
        self._roles = frozenset(roles)
        self.key = key
        self.message = message

    def _opens(self, session: dict[str, Any]) -> bool:
        found = session.get(self.key) or ()
        return not self._roles.isdisjoint((found,) if isinstance(found, str) else found)


class CallLog(Around):
    """Writes a line for each call: what was called, by whom, how it ended and how long it took.

    Args:
        log: where to; ``logging.getLogger("sionamespace.calls")`` by default.
        level: how important a line is.
        slow: from how many seconds on a call is a warning; None for never.
    """

    def __init__(
        self,
        log: logging.Logger = _log,
        level: int = logging.INFO,
        slow: float | None = None,
    ) -> None:
        self._log = log
        self._level = level
        self._slow = slow

    @contextmanager
    def enter(self, call: Call) -> Generator[None]:
        start = call.clock()
        outcome = "ok"
        try:
            yield
        except (Refused, PayloadInvalid) as error:
            failed = isinstance(error, AnswerInvalid)  # somebody else's fault
            outcome = f"failed: {error}" if failed else f"refused: {error}"
            raise
        except BaseException as error:
            outcome = f"failed: {type(error).__name__}"
            raise
        finally:
            self._write(call, outcome, call.clock() - start)

    def _write(self, call: Call, outcome: str, seconds: float) -> None:
        slow = self._slow is not None and seconds >= self._slow
        self._log.log(
            max(self._level, logging.WARNING) if slow else self._level,
            "%s: %.80r from %s took %.1f ms: %s",
            call.namespace.path,
            call.event,
            call.sid,
            seconds * 1000,
            outcome,
        )
