"""Who people are and what they may do: what a larger application has once, for all its modules."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Literal

import attrs
from sionamespace import Refused, around
from sionamespace.blocks import Presence
from sionamespace.middleware import Call

__all__ = ["Accounts", "Member", "Members"]


@attrs.frozen
class Member:
    """Somebody with an account."""

    name: str
    role: Literal["customer", "agent", "supervisor"]


Accounts = Mapping[str, Member]
"""The members by their tokens. In an application of your own they come from where people log in."""


@around
def login(call: Call) -> Iterator[None]:
    """Says who a client is, by the token in its ``auth``, before anything else is asked."""
    if call.kind == "connect":
        _, auth = call.args
        member = call.namespace.member(auth)
        call.session["role"] = member.role
        call.namespace.identify(call.sid, member.name)
    yield


class Members(Presence):
    """A namespace for members. `user` tells their names, and their sessions have the ``role``."""

    middleware: ClassVar = [login]

    def __init__(self, accounts: Accounts) -> None:
        self._accounts = accounts

    def member(self, auth: Any) -> Member:
        """Who a client says to be, and can prove it.

        Raises:
            Refused: for a stranger.
        """
        token = auth.get("token") if isinstance(auth, dict) else None
        if not isinstance(token, str) or token not in self._accounts:
            raise Refused("Please log in.")
        return self._accounts[token]
