"""What servers tell each other."""

from __future__ import annotations

from typing import TypeAlias

import msgspec

from sionamespace.cluster.encoded import Encoded
from sionamespace.types import Path, Room, Sid

__all__ = [
    "Announce",
    "Answer",
    "AskServers",
    "Asked",
    "Beat",
    "Bye",
    "Call",
    "Command",
    "Dismiss",
    "Emit",
    "Enter",
    "Find",
    "Found",
    "Hello",
    "Leave",
    "Message",
    "Question",
    "Reply",
    "Said",
    "ToClients",
]


class _Message(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A kind of message has a number; what is added to one later stands at its end."""


class Hello(_Message, frozen=True, tag=1):
    """A server has come, or come back; whoever hears it says that it is there too."""


class Beat(_Message, frozen=True, tag=2):
    """A server is there; and, if ``ready``, it has subscribed to all that it wants."""

    ready: bool = True


class Bye(_Message, frozen=True, tag=3):
    """A server goes."""


class ToClients(_Message, frozen=True):
    """For the clients of a namespace that are in any of ``rooms`` (None: all), less ``skip``."""

    path: Path
    rooms: tuple[Room, ...] | None
    skip: frozenset[Room]


class Emit(ToClients, frozen=True, tag=10):
    """Send them an event, which is encoded already: no server does it twice."""

    packet: Encoded
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


class Announce(_Message, frozen=True, tag=14):
    """Have a namespace handle an event of servers."""

    path: Path
    packet: Encoded


class Question(ToClients, frozen=True):
    """Something to be answered, to the server that asks and its number for the ``question``."""

    question: int


class Find(Question, frozen=True, tag=20):
    """Which of them are yours; with ``clients``, what is known of them. Answer: `Found`."""

    clients: bool


class Call(Question, frozen=True, tag=21):
    """Send them an event that they answer within ``timeout`` seconds. Answer: `Asked`, at once,
    and for each of them an `Answer`."""

    packet: Encoded
    timeout: float | None


class AskServers(Question, frozen=True, tag=22):
    """Have the namespace handle an event of servers. Answer: `Said`."""

    packet: Encoded


class Found(_Message, frozen=True, tag=30):
    """The clients of a server; ``packet`` has what is known of them, if that was asked for."""

    question: int
    sids: tuple[Sid, ...]
    packet: Encoded | None


class Asked(_Message, frozen=True, tag=31):
    """The clients that a server asks; or (``refused``) that it has too much to do to ask any."""

    question: int
    sids: tuple[Sid, ...]
    refused: bool = False


class Answer(_Message, frozen=True, tag=32):
    """What a client answered, in an ACK packet; None if it has left."""

    question: int
    sid: Sid
    packet: Encoded | None


class Said(_Message, frozen=True, tag=33):
    """What a server's handler returned, if it is ``there`` and has not failed."""

    question: int
    there: bool
    packet: Encoded | None


Command: TypeAlias = Emit | Enter | Leave | Dismiss | Announce | Find | Call | AskServers
"""What one server wants of another."""

Reply: TypeAlias = Found | Asked | Answer | Said
"""What it gets."""

Message: TypeAlias = Hello | Beat | Bye | Command | Reply
