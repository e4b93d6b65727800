"""`Nodes`: which other servers are there."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

__all__ = ["Nodes"]

_REMEMBERED = 1024
"""How many of a server's last messages are known again. No more are ever sent twice."""
_MOST_SILENT = 32
"""For how many servers that went silent that is kept."""


class _Node:
    """Another sender: when it was heard last, and which of its last messages have come."""

    __slots__ = ("_order", "_seen", "heard_at", "is_met")

    def __init__(self, now: float) -> None:
        self.heard_at = now
        self.is_met = False
        """Whether it said that it is a server, since this one could hear it."""
        self._seen: set[int] = set()
        self._order: deque[int] = deque()

    def is_new(self, number: int) -> bool:
        """Whether a message has not come before."""
        if number in self._seen:
            return False
        self._seen.add(number)
        self._order.append(number)
        if len(self._order) > _REMEMBERED:
            self._seen.discard(self._order.popleft())
        return True


class Nodes:
    """The other servers, as long as something is heard of them. Used on the cluster's loop.

    Not everybody who is heard is one: a program may send, and have no clients.

    Args:
        patience: for how many seconds nothing may be heard of one.
        came: called with a server that was not there before, or could not be heard for a while.
        went: called with one that said goodbye, or of which nothing was heard.
    """

    def __init__(
        self, patience: float, came: Callable[[str], object], went: Callable[[str], object]
    ) -> None:
        self.there: frozenset[str] = frozenset()
        """Those that are there. Any thread may look."""
        self.all_heard = False
        """Whether all that are there have been heard by now."""
        self._patience = patience
        self._tell_came = came
        self._tell_went = went
        self._nodes: dict[str, _Node] = {}
        self._silent: dict[str, _Node] = {}

    def may_be_there(self, name: str) -> bool:
        """Whether a server is there, or may just not have been heard yet. From any thread."""
        return name in self.there or not self.all_heard

    def all_met(self) -> bool:
        """Whether all that are there have said so since `cut_off`."""
        return all(self._nodes[name].is_met for name in self.there)

    def hear(self, name: str, number: int | None, now: float) -> bool:
        """Something has come of somebody; whether it is new, as it may be sent twice.

        Args:
            number: None for what does no harm twice.
        """
        node = self._nodes.get(name)
        if node is None:
            # One that was cut off may send again what came before: it did not hear that it did.
            node = self._nodes[name] = self._silent.pop(name, _Node(now))
        node.heard_at = now
        return number is None or node.is_new(number)

    def meet(self, name: str) -> None:
        """What has come says that its sender is a server, and there."""
        node = self._nodes[name]
        if not node.is_met:
            node.is_met = True
            self.there |= {name}
            self._tell_came(name)

    def forget(self, name: str) -> None:
        """A server has gone."""
        self._nodes.pop(name, None)
        if name in self.there:
            self.there -= {name}
            self._tell_went(name)

    def forget_silent(self, now: float) -> None:
        """Forget those of which nothing was heard for too long."""
        for name, node in list(self._nodes.items()):
            if now - node.heard_at > self._patience:
                self.forget(name)
                node.is_met = False
                self._silent[name] = node
                if len(self._silent) > _MOST_SILENT:
                    del self._silent[next(iter(self._silent))]

    def cut_off(self) -> None:
        """This server hears nothing; when it does again, those who are there say so again."""
        self.all_heard = False
        for node in self._nodes.values():
            node.is_met = False

    def wait_anew(self, now: float) -> None:
        """Nobody could be heard for a while, which says nothing of them: all have their time."""
        for node in self._nodes.values():
            node.heard_at = now

    def clear(self) -> None:
        """This server itself goes."""
        self._nodes.clear()
        self._silent.clear()
        self.there, self.all_heard = frozenset(), False
