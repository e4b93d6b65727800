"""`Chat`: people talk in rooms."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, ClassVar, TypeVar

from sionamespace import AckTimeout, ClientGone, Refused, event, server_event
from sionamespace.blocks import Presence, RoomPolicy
from sionamespace.middleware import RateLimit

from activity import Activity
from names import Names
from page import ChatPage, Message, Picture, Receipt
from payloads import File, Id, Text, Visitor, tidy, type_of

__all__ = ["Chat"]

HOUSE = "house"
"""Where everybody is present. What they say there of themselves is the room that they are in."""
LOBBY = "#lobby"

PATIENCE = 5
"""How many seconds a private message may take to reach a page."""

allowance = RateLimit(60, per=60, key=lambda call: call.sid)
"""How much a client may say in a minute, in whatever way."""

Said = TypeVar("Said", Message, Picture)


class Chat(Names, Presence, RoomPolicy, outgoing=ChatPage):
    """People talk in rooms; everybody is in one room at a time, and in the lobby at first.

    Clients send ``message(id, text)``, ``picture(id, data)``, ``whisper(name, text)``,
    ``join(room)`` and ``leave()``, each with an ack, and ``typing()``.
    """

    history_rooms = 100
    history_limits: ClassVar = {"picture": 3}  # a newcomer is sent all of it at once

    def __init__(self, activity: Activity, clock: Callable[[], float] = time.time) -> None:
        super().__init__(clock)
        self._activity = activity

    # Coming and going.

    def on_connect(self, sid: str, environ: Any, auth: Visitor) -> None:
        name, room = tidy(auth.name, "name"), room_name(auth.room or LOBBY)
        self.claim(sid, name, auth.key)
        self.identify(sid, name)
        self.emit(ChatPage.welcome, name, room=sid)
        self._enter(sid, room)

    def on_join(self, sid: str, room: str) -> None:
        self._enter(sid, room_name(room))

    def on_leave(self, sid: str, room: str = "") -> None:
        self._enter(sid, LOBBY)

    def _enter(self, sid: str, room: str) -> None:
        mine = self.session(sid)
        if mine.get("room") not in (None, room):
            self.leave_room(sid, mine["room"])
        mine["room"] = room
        self.admit(sid, room)
        self.track(sid, HOUSE, room)

    def people(self) -> dict[str, str]:
        """Everybody who is here, and the room of each."""
        return self.present(HOUSE)

    # Talking.

    @event(middleware=[allowance])
    def on_message(self, sid: str, id: Id, text: Text) -> Receipt:
        message = Message(id, self.user(sid), self.clock(), text)
        return self._say(sid, ChatPage.message, message)

    @event(middleware=[allowance])
    def on_picture(self, sid: str, id: Id, data: File) -> Receipt:
        picture = Picture(id, self.user(sid), self.clock(), type_of(data), data)
        return self._say(sid, ChatPage.picture, picture)

    def _say(self, sid: str, event: Callable[[ChatPage, Said], None], said: Said) -> Receipt:
        room = self.session(sid)["room"]
        for _, before in self.history(room):
            if before["id"] == said.id:  # its answer was lost, so the page sent it again
                return {"at": before["at"]}
        self.publish(room, event, said, skip_sid=sid)
        self.servers.emit("noted")
        return {"at": said.at}

    @server_event
    def noted(self) -> None:
        """Somebody said something, on whichever server: each counts all of it."""
        self._activity.note()

    def on_typing(self, sid: str) -> None:
        room = self.session(sid)["room"]
        self.emit(ChatPage.typing, self.user(sid), room=room, skip_sid=sid, volatile=True)

    @event(concurrent=True, middleware=[allowance])  # it waits for somebody else
    def on_whisper(self, sid: str, name: str, text: Text) -> Receipt:
        me, now, to = self.user(sid), self.clock(), self.holder(name).sid
        if to == sid:
            raise Refused("That is you.")
        try:
            self.call(ChatPage.whisper, me, now, text, room=to, timeout=PATIENCE).result()
        except AckTimeout:
            raise Refused(f"{name}'s page did not answer.") from None
        except ClientGone:
            raise Refused(f"{name} has just left.") from None
        return {"at": self.clock()}


def room_name(text: str) -> str:
    """``#garden``, however it was written. Because of the ``#`` it never is somebody's sid."""
    return "#" + tidy(text.strip().lstrip("#"), "room").lower()
