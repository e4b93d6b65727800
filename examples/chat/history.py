"""`History`: the last messages of each room, for those who come later."""

from __future__ import annotations

import threading
from collections import OrderedDict, deque

import attrs

__all__ = ["History", "Message", "Picture"]


@attrs.frozen
class Picture:
    """An image file: its MIME type and its bytes."""

    type: str
    data: bytes = attrs.field(repr=lambda data: f"<{len(data)} bytes>")


@attrs.frozen
class Message:
    """What somebody said in a room: a text or a picture. Clients are sent it as it is.

    ``id`` is chosen by the client that sent it, ``at`` is in seconds since 1970.
    """

    id: str
    name: str
    at: float
    text: str = ""
    picture: Picture | None = None


class History:
    """The last messages of each room, in memory.

    A newcomer is sent all of a room's history at once, so it has to stay well below the server's
    ``max_outbox_bytes``: it has few pictures, and older ones are forgotten before texts are. The
    rooms have an end too, as anybody may open one.
    """

    def __init__(self, messages: int = 50, pictures: int = 3, rooms: int = 100) -> None:
        self._most_messages = messages
        self._most_pictures = pictures
        self._most_rooms = rooms
        self._rooms: OrderedDict[str, deque[Message]] = OrderedDict()
        self._lock = threading.Lock()

    def add(self, room: str, message: Message) -> None:
        """Remember a message, and forget what there is no place for any longer."""
        with self._lock:
            kept = self._rooms.setdefault(room, deque(maxlen=self._most_messages))
            kept.append(message)
            pictures = [message for message in kept if message.picture]
            if len(pictures) > self._most_pictures:
                kept.remove(pictures[0])
            self._rooms.move_to_end(room)
            if len(self._rooms) > self._most_rooms:
                self._rooms.popitem(last=False)

    def of(self, room: str) -> list[Message]:
        """The messages of a room, oldest first."""
        with self._lock:
            return list(self._rooms.get(room, ()))

    def find(self, room: str, id: str) -> Message | None:
        """The message with this id, or None."""
        return next((message for message in self.of(room) if message.id == id), None)
