"""`Leftovers`: what a test leaves behind when it ends."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from sionamespace.namespace import Namespace
from sionamespace.testing.client import HarnessClient
from sionamespace.testing.unfinished import Unfinished

__all__ = ["LeftBehind", "Leftovers"]

__tracebackhide__ = True  # pytest shows the line of the test instead

_MOST_TIMERS = 1000
"""How many timers go off before what runs is taken for endless."""

_MEANT = "harness.allow_unfinished({!r}) if that is meant"


class LeftBehind(AssertionError):
    """A test has passed, but left behind what is not answered or does not end."""


class Leftovers:
    """Finds what is not answered and what does not end, and says it in words.

    Args:
        runtime: that of the harness.
    """

    def __init__(self, runtime: Any) -> None:
        self._runtime = runtime
        self._allowed: set[str] = set()
        self._all_allowed = False

    def allow(self, names: Iterable[str]) -> None:
        """Let events and functions be; without names, all of them."""
        more = set(names)
        self._allowed |= more
        self._all_allowed = self._all_allowed or not more

    def check(self, clients: Iterable[HarnessClient], shut_down: Callable[[], object]) -> None:
        """Raise `LeftBehind` if there is anything.

        Args:
            shut_down: sends the clients away, and ends what serves them.
        """
        left = [line for client in clients for line in self._unanswered(client)]
        left = left or self._endless(shut_down)
        if left:
            raise LeftBehind("the test ends, but\n  " + "\n  ".join(left))

    def _endless(self, shut_down: Callable[[], object]) -> list[str]:
        """Each handler or background task that does not end when all else has."""
        if self._unfinished():
            shut_down()
            self._runtime.run_out(self._unfinished, _MOST_TIMERS)
        return [
            f"{' and '.join(sorted(left.names))} still runs, at {left.place}; end it, or write "
            + _MEANT.format(min(left.names))
            for left in self._unfinished()
        ]

    def why(self, namespace: Namespace, event: str) -> str:
        """Why an event of a client that is there has no answer, if its handler gave none."""
        spec = namespace.handlers.find(event)
        if spec is None:
            there = ", ".join(sorted(namespace.handlers.events)) or "none"
            return f"nothing handles it; there are: {there}"
        waits = [it for it in self._runtime.unfinished() if spec.method in it.names]
        at = f" at {waits[0].place}" if waits else ""
        return f"its handler {spec.method} ({spec.source}) waits{at}"

    def _unanswered(self, client: HarnessClient) -> Iterable[str]:
        if not client.there:
            return
        for request in client.requests():
            why = None if self._may_stay({request.event}) else request.complaint()
            if why is not None:
                yield (
                    f"{client} has no answer to {request.event!r}: {why}; see to it, return "
                    f"NO_REPLY, or write {_MEANT.format(request.event)}"
                )
        for event in (ack.event for ack in client.unanswered()):
            if not self._may_stay({event}):
                yield (
                    f"{client} has not answered the server's {event!r}; let it, with "
                    f"client.answers({event!r}, ...) or client.last({event!r}).answer(...), "
                    f"or write {_MEANT.format(event)}"
                )

    def _unfinished(self) -> list[Unfinished]:
        return [left for left in self._runtime.unfinished() if not self._may_stay(left.names)]

    def _may_stay(self, names: Iterable[str]) -> bool:
        return self._all_allowed or not self._allowed.isdisjoint(names)
