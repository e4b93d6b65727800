"""Building blocks to subclass: who a client is, who is where, and who may enter which room.

They combine by ordinary inheritance, ``class Chat(Presence, RoomPolicy): ...``. None of them takes
up ``__init__``, ``on_connect`` or ``on_disconnect``: those are yours, and there is no ``super()``
that could be forgotten.
"""

from sionamespace.blocks.history import History
from sionamespace.blocks.presence import Presence, PresenceDiff, PresenceEvents
from sionamespace.blocks.rooms import RoomEvents, RoomPolicy
from sionamespace.blocks.users import Users

__all__ = [
    "History",
    "Presence",
    "PresenceDiff",
    "PresenceEvents",
    "RoomEvents",
    "RoomPolicy",
    "Users",
]
