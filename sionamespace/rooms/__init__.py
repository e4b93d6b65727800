"""Who is in which room."""

from sionamespace.rooms.manager import RoomManager
from sionamespace.rooms.memory import MemoryRoomManager

__all__ = ["MemoryRoomManager", "RoomManager"]
