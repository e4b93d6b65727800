"""What servers tell each other."""

from __future__ import annotations

from typing import Any, TypeAlias

import msgspec

from sionamespace.protocol.engineio import Parcel
from sionamespace.types import Path, Room, Sid

__all__ = [
    "Beat",
    "Bye",
    "Dismiss",
    "Emit",
    "Enter",
    "Hello",
    "Leave",
    "Message",
    "Packet",
    "ToClients",
]


class Packet(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """An encoded Socket.IO packet: a text, if its codec writes one, and bytes; see `Parcel`."""

    text: str | None
    binary: tuple[bytes, ...]

    def __post_init__(self) -> None:
        # Otherwise bytes on a channel could close a connection, or break a polled payload.
        if not (self.binary if self.text is None else self.text.startswith("4")):
            raise ValueError("a packet that is no message")

    @classmethod
    def of(cls, packets: tuple[Any, ...]) -> Packet:
        """The packet that these packets of Engine.IO carry."""
        first = packets[0]
        return cls(first, packets[1:]) if isinstance(first, str) else cls(None, packets)

    def parcel(self) -> Parcel:
        """It, ready to be sent to clients."""
        return Parcel(*self.binary) if self.text is None else Parcel(self.text, *self.binary)


class _Message(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A kind of message has a number; what is added to one later stands at its end."""


class Hello(_Message, frozen=True, tag=1):
    """A server has come, or come back; whoever hears it says that it is there too."""


class Beat(_Message, frozen=True, tag=2):
    """A server is there."""


class Bye(_Message, frozen=True, tag=3):
    """A server goes."""


class ToClients(_Message, frozen=True):
    """For the clients of a namespace that are in any of ``rooms`` (None: all), less ``skip``."""

    path: Path
    rooms: tuple[Room, ...] | None
    skip: frozenset[Sid]


class Emit(ToClients, frozen=True, tag=10):
    """Send them an event, which is encoded already: no server does it twice."""

    packet: Packet
    volatile: bool


class Enter(ToClients, frozen=True, tag=11):
    """Put them into rooms."""

    into: tuple[Room, ...]


class Leave(ToClients, frozen=True, tag=12):
    """Take them out of rooms."""

    out_of: tuple[Room, ...]


class Dismiss(ToClients, frozen=True, tag=13):
    """Send them away, from the namespace or (``close``) from the server."""

    close: bool


Message: TypeAlias = Hello | Beat | Bye | Emit | Enter | Leave | Dismiss
