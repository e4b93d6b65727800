"""A class-based Socket.IO server.

Subclass `Namespace`; its ``on_<event>`` methods are the handlers. A `Server` serves namespaces at
their paths. See the README for a first one, and `sionamespace.testing` for testing it.
"""

from sionamespace.acks import Ack, Answers, BroadcastAck
from sionamespace.audience import Audience
from sionamespace.client import Client
from sionamespace.cluster import ClusterRoomManager
from sionamespace.emitter import Emitter, EmitterAudience
from sionamespace.errors import (
    AckTimeout,
    AnswerInvalid,
    BrokerDown,
    ClientGone,
    ConfigurationError,
    DeliveryError,
    HandlerError,
    NotConnected,
    PacketError,
    PayloadInvalid,
    PeerError,
    Refused,
    SioError,
    UsageError,
    WouldBlock,
)
from sionamespace.gathering import Clients, Members, ServerAnswers, ServerReport
from sionamespace.handlers.call import Call
from sionamespace.handlers.decorators import event
from sionamespace.handlers.middleware import Middleware, Next, around
from sionamespace.handlers.response import NO_REPLY, Reply
from sionamespace.handlers.server_events import server_event
from sionamespace.health import Health
from sionamespace.namespace import Namespace
from sionamespace.options import Options
from sionamespace.rooms import MemoryRoomManager, RoomManager
from sionamespace.router import Router
from sionamespace.runtime.pending import Pending
from sionamespace.server import Server, shared_rooms
from sionamespace.servers import Servers
from sionamespace.types import Reason, Room, Sid

__all__ = [
    "NO_REPLY",
    "Ack",
    "AckTimeout",
    "AnswerInvalid",
    "Answers",
    "Audience",
    "BroadcastAck",
    "BrokerDown",
    "Call",
    "Client",
    "ClientGone",
    "Clients",
    "ClusterRoomManager",
    "ConfigurationError",
    "DeliveryError",
    "Emitter",
    "EmitterAudience",
    "HandlerError",
    "Health",
    "Members",
    "MemoryRoomManager",
    "Middleware",
    "Namespace",
    "Next",
    "NotConnected",
    "Options",
    "PacketError",
    "PayloadInvalid",
    "PeerError",
    "Pending",
    "Reason",
    "Refused",
    "Reply",
    "Room",
    "RoomManager",
    "Router",
    "Server",
    "ServerAnswers",
    "ServerReport",
    "Servers",
    "Sid",
    "SioError",
    "UsageError",
    "WouldBlock",
    "around",
    "event",
    "server_event",
    "shared_rooms",
]

__version__ = "0.1.0"
