"""`Members`: namespaces for those who have a certain role."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import attrs
from sionamespace import Namespace, Refused

__all__ = ["Accounts", "Members", "Person"]


@attrs.frozen
class Person:
    """Somebody with an account: a ``customer``, an ``agent`` or a ``supervisor``."""

    name: str
    role: str


Accounts = Mapping[str, Person]
"""The people by their tokens."""


class Members(Namespace):
    """Lets in those with the right role, and has a room for each person, whatever their pages."""

    roles: ClassVar[frozenset[str]]

    def __init__(self, accounts: Accounts) -> None:
        self._accounts = accounts

    def on_connect(self, sid: str, environ: Mapping[str, Any], auth: Any) -> None:
        token = auth.get("token") if isinstance(auth, dict) else None
        person = self._accounts.get(token) if isinstance(token, str) else None
        if person is None or person.role not in self.roles:
            raise Refused("You may not come in here.")
        self.session(sid)["name"] = person.name
        self.enter_room(sid, _room(person.name))
        self.entered(sid)

    def entered(self, sid: str) -> None:
        """Somebody has come in; to override."""

    def name(self, sid: str) -> str:
        """Who it is."""
        name: str = self.session(sid)["name"]
        return name

    def to_person(self, name: str, event: str, *args: Any) -> None:
        """Send an event to each page of a person."""
        self.emit(event, *args, room=_room(name))

    def pages_of(self, name: str) -> frozenset[str]:
        """The sids of a person's pages."""
        return self.members(_room(name))


def _room(name: str) -> str:
    return f"person {name}"
