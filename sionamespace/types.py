"""Names for the plain values that everything here is about."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, TypeAlias

import attrs

from sionamespace.errors import UsageError

if TYPE_CHECKING:  # from Python 3.11 on they are in typing; nothing needs them when it runs
    from typing_extensions import TypeVarTuple
    from typing_extensions import Unpack as Unpack

    Args = TypeVarTuple("Args")

__all__ = ["Path", "Reason", "Room", "Rooms", "Selection", "Sid"]

Sid: TypeAlias = str
"""The id of one client in one namespace."""

Room: TypeAlias = str
"""The name of a room. Every client is alone in a room named by its sid."""

Path: TypeAlias = str
"""The path of a namespace, such as ``/`` or ``/chat``."""

Rooms: TypeAlias = "Room | Iterable[Room]"
"""One room (or sid), or several of them."""


class Reason:
    """Why a client left: what ``on_disconnect`` is given."""

    CLIENT = "client disconnect"
    SERVER = "server disconnect"
    SHUTDOWN = "server shutting down"
    PING_TIMEOUT = "ping timeout"
    CONNECT_TIMEOUT = "connect timeout"
    TRANSPORT_CLOSE = "transport close"
    TRANSPORT_ERROR = "transport error"
    PARSE_ERROR = "parse error"
    TOO_LARGE = "message too large"
    SLOW_CONSUMER = "slow consumer"
    FLOODING = "flooding"


def names(rooms: Rooms) -> tuple[str, ...]:
    """One name or several, as a tuple.

    Raises:
        UsageError: if one of them is not a string.
    """
    if isinstance(rooms, str):
        return (rooms,)
    found = tuple(rooms) if isinstance(rooms, Iterable) else (rooms,)
    for name in found:
        if not isinstance(name, str):
            raise UsageError(
                f"a room or sid is a string, not {type(name).__name__}: {name!r}; "
                f"use a name such as {f'room-{name}'!r}"
            )
    return found


@attrs.frozen
class Selection:
    """Some clients of one namespace: those in any of ``rooms``, less those in any of ``skip``.

    ``rooms=None`` is everybody; an empty tuple is nobody. With ``local`` it is only those who are
    connected to this server, where several share their clients.
    """

    rooms: tuple[Room, ...] | None = None
    skip: frozenset[Room] = frozenset()
    local: bool = False

    @classmethod
    def of(cls, rooms: Rooms | None = None, skip: Rooms | None = None) -> Selection:
        """The selection that the arguments ``room=`` and ``skip_sid=`` of an emit mean."""
        return cls(
            None if rooms is None else names(rooms),
            frozenset() if skip is None else frozenset(names(skip)),
        )
