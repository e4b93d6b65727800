"""`Users`: a user with all its connections."""

from __future__ import annotations

from typing import Any

from sionamespace.audience import Audience
from sionamespace.errors import UsageError
from sionamespace.gathering import Members
from sionamespace.namespace import Namespace
from sionamespace.types import Rooms, Sid, names

__all__ = ["Users"]

_PREFIX = "user "
_KEY = "sionamespace.user"


class Users(Namespace):
    """Says who a client is, and reaches a user over all its connections, such as several tabs.

        class Inbox(Users):
            def on_connect(self, sid, environ, auth):
                self.identify(sid, user_of_token(auth["token"]))

            def on_write(self, sid, to, text):
                self.to_user(to).emit("mail", {"from": self.user(sid), "text": text})

    A user is a text, such as its id in your database. Its connections are a room, so there is
    nothing to clean up when they end.
    """

    def identify(self, sid: Sid, user: str) -> None:
        """Say who a client is, once you know for certain, as in ``on_connect``.

        Raises:
            NotConnected: if there is no such client.
            UsageError: if the user is not a text, or the client is another one already.
        """
        if not isinstance(user, str) or not user:
            raise UsageError(f"a user is a text, such as an id, not {user!r:.80}")
        session = self.session(sid)
        if session.setdefault(_KEY, user) != user:
            raise UsageError(f"client {sid!r} is {session[_KEY]!r} already, and not {user!r}")
        super().enter_room(sid, _PREFIX + user)

    def user(self, sid: Sid) -> str:
        """Who a client is.

        Raises:
            NotConnected: if there is no such client.
            UsageError: if nobody has said so with `identify`.
        """
        found: Any = self.session(sid).get(_KEY)
        if found is None:
            raise UsageError(
                f"nobody has said who client {sid!r} is; call self.identify(sid, user) in "
                "on_connect"
            )
        return str(found)

    def to_user(self, *users: str) -> Audience:
        """All connections of a user, or of several; nobody, if there are none."""
        return self.to(*(_PREFIX + user for user in users))

    def connections(self, user: str) -> Members:
        """The sids of a user's connections, empty if it has none; as `Namespace.members`."""
        return self.members(_PREFIX + user)

    def enter_room(self, sid: Sid, room: Rooms) -> None:
        """As `Namespace.enter_room`; a room that stands for a user is entered by `identify` only.

        So no client that may name a room can listen in on somebody's messages.
        """
        for name in (asked := names(room)):
            if name.startswith(_PREFIX):
                raise UsageError(f"the room {name!r} stands for a user; use identify(sid, user)")
        super().enter_room(sid, asked)
