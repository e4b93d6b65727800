"""Every exception of the package, in one tree that is split first by whose fault it is.

SioError
├── UsageError              the application used the framework wrongly
│   ├── ConfigurationError  an option, a route or an installation
│   ├── HandlerError        a handler that cannot be registered or called
│   └── WouldBlock          waiting here could never end
├── PeerError               a client broke the rules
│   ├── PacketError         the bytes are not a Socket.IO packet
│   └── PayloadInvalid      the arguments are not what the handler takes
│       └── AnswerInvalid   the answer is not what the event was declared with
├── DeliveryError           neither is wrong; the network is what it is
│   ├── NotConnected        there is no such client
│   ├── AckTimeout          the client did not answer in time (also a ``TimeoutError``)
│   ├── ClientGone          the client left before it answered
│   └── BrokerDown          the other servers cannot be reached
└── Refused                 raised by a handler; its text is for the client
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

__all__ = [
    "AckTimeout",
    "AnswerInvalid",
    "BrokerDown",
    "ClientGone",
    "ConfigurationError",
    "DeliveryError",
    "HandlerError",
    "NotConnected",
    "PacketError",
    "PayloadInvalid",
    "PeerError",
    "Refused",
    "SioError",
    "UsageError",
    "WouldBlock",
]


class SioError(Exception):
    """The root of every exception that this package raises."""


class UsageError(SioError):
    """The application used the framework in a way that cannot work."""


class ConfigurationError(UsageError):
    """An option, a route or an installation that cannot work."""


class HandlerError(UsageError):
    """A handler that cannot be registered or called; the message names its file and line."""


class WouldBlock(UsageError):
    """Waiting here could never end, because what is waited for needs this very thread or client."""


class PeerError(SioError):
    """A client broke the rules."""


class PacketError(PeerError):
    """What a client sent is not a packet of the protocol."""


class PayloadInvalid(PeerError):
    """The arguments that a client sent are not what the handler takes.

    ``faults`` says where and why: a list of ``{"path": "args[0].name", "reason": "..."}``. It is
    empty if they are too many or too few.
    """

    def __init__(self, message: str, faults: Sequence[Mapping[str, str]] = ()) -> None:
        super().__init__(message)
        self.faults = [dict(fault) for fault in faults]


class AnswerInvalid(PayloadInvalid):
    """What a client answered is not what the event was declared with; ``faults`` says where."""


class DeliveryError(SioError):
    """Something did not reach a client, and no one is to blame."""


class NotConnected(DeliveryError):
    """The client is not connected to the namespace (it left, or never was there)."""


class AckTimeout(DeliveryError, TimeoutError):
    """A client did not answer in time."""


class ClientGone(DeliveryError):
    """A client left before it answered."""


class BrokerDown(DeliveryError):
    """The broker between the servers cannot be reached."""


class Refused(SioError):
    """Raise it in a handler to say no to the client, in your own words.

    In ``on_connect`` the client's ``connect_error`` event gets ``message`` and ``data``. In any
    other handler the client's ack gets ``{"error": {"message": message, "data": data}}``. Beside
    it, a client is told in words only what is wrong with its payload.
    """

    def __init__(self, message: str = "refused", data: Any = None) -> None:
        super().__init__(message)
        self.message = message
        self.data = data
