"""`Chat`: people talk in rooms."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from sionamespace import Ack, AckTimeout, ClientGone, Namespace, Refused, event

from activity import Activity
from checks import check_id, check_name, check_picture, check_room, check_text
from history import History, Message
from people import NameTaken, People, Person

__all__ = ["Chat"]

LOBBY = "#lobby"

PATIENCE = 5
"""How many seconds a private message may take to reach a page."""


class Chat(Namespace):
    """People talk in rooms; everybody is in one room at a time, and in the lobby at first.

    Clients send ``message(id, text)``, ``picture(id, data)``, ``whisper(name, text)``,
    ``join(room)`` and ``leave()``, each with an ack, and ``typing()``.
    They are sent ``joined``, ``people``, ``rooms``, ``message`` and ``typing``, and have to answer
    ``whisper`` and ``confirm``.
    """

    def __init__(
        self,
        people: People,
        history: History,
        activity: Activity,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._people = people
        self._history = history
        self._activity = activity
        self._clock = clock

    # Coming and going.

    def on_connect(self, sid: str, environ: Mapping[str, Any], auth: object) -> None:
        me = _introduced(sid, auth)
        try:
            before = self._people.add(me)
        except NameTaken as taken:
            raise Refused(str(taken), {"field": "name", "suggestion": taken.free}) from None
        self.session(sid)["me"] = me
        if before:
            self._make_way(before, me)
        self._enter(me, me.room)

    def on_disconnect(self, sid: str) -> None:
        me = self._me(sid)
        if self._people.remove(me):
            self._announce(me.room)

    def on_join(self, sid: str, room: object) -> None:
        self._enter(self._me(sid), check_room(room))

    def on_leave(self, sid: str) -> None:
        self._enter(self._me(sid), LOBBY)

    def _make_way(self, before: Person, me: Person) -> None:
        # It is the same page: its connection broke, and it was back before the server noticed.
        self.disconnect(before.sid)
        if before.room != me.room:
            self._announce(before.room)

    def _enter(self, me: Person, room: str) -> None:
        left, me.room = me.room, room
        self.leave_room(me.sid, left)
        self.enter_room(me.sid, room)
        history = self._history.of(room)
        self.emit("joined", {"name": me.name, "room": room, "history": history}, room=me.sid)
        self._announce(left, room)

    def _announce(self, *rooms: str) -> None:
        """Tell who is in these rooms to those who are there, and everybody how many are where."""
        for room in set(rooms):
            self.emit("people", self._people.names(room), room=room)
        self.emit("rooms", {LOBBY: 0} | self._people.rooms())

    # Talking.

    def on_message(self, sid: str, id: object, text: object) -> dict[str, float]:
        me = self._me(sid)
        return self._say(me, Message(check_id(id), me.name, self._clock(), check_text(text)))

    def on_picture(self, sid: str, id: object, data: object) -> dict[str, float]:
        me = self._me(sid)
        picture = check_picture(data)
        return self._say(me, Message(check_id(id), me.name, self._clock(), picture=picture))

    def on_typing(self, sid: str) -> None:
        me = self._me(sid)
        self.emit("typing", me.name, room=me.room, skip_sid=sid, volatile=True)

    @event(concurrent=True)  # it waits for somebody else; what the sender does next need not
    def on_whisper(self, sid: str, name: object, text: object) -> dict[str, float]:
        me, to = self._me(sid), self._named(name)
        if to is me:
            raise Refused("That is you.")
        whisper = {"name": me.name, "at": self._clock(), "text": check_text(text)}
        try:
            self.call("whisper", whisper, room=to.sid, timeout=PATIENCE).result()
        except AckTimeout:
            raise Refused(f"{to.name}'s page did not answer.") from None
        except ClientGone:
            raise Refused(f"{to.name} has just left.") from None
        return {"at": self._clock()}

    def _say(self, me: Person, message: Message) -> dict[str, float]:
        said = self._history.find(me.room, message.id)
        if said:  # its answer was lost with the connection, so the page sent it again
            return {"at": said.at}
        self._history.add(me.room, message)
        self._activity.note()
        self.emit("message", message, room=me.room, skip_sid=me.sid)
        return {"at": message.at}

    # For the dashboard.

    def ask(self, name: object, question: str, seconds: float) -> Ack:
        """Ask a person for a yes (True) or a no (False), within some seconds.

        Raises:
            Refused: if nobody has that name.
        """
        person = self._named(name)
        return self.call("confirm", question, seconds, room=person.sid, timeout=seconds)

    # Who is who.

    def _me(self, sid: str) -> Person:
        me: Person = self.session(sid)["me"]
        return me

    def _named(self, name: object) -> Person:
        person = self._people.named(check_name(name))
        if not person:
            raise Refused("There is nobody of that name here (any longer).")
        return person


def _introduced(sid: str, auth: object) -> Person:
    """Who it is that connects, and where to, as ``auth`` says."""
    said = auth if isinstance(auth, dict) else {}
    name, room = check_name(said.get("name")), check_room(said.get("room") or LOBBY)
    return Person(sid, name, check_id(said.get("key")), room)
