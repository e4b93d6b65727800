"""`Others`: the servers that share their clients with this one."""

from __future__ import annotations

from typing import Any

from sionamespace.acks import Ack, BroadcastAck
from sionamespace.errors import NotConnected
from sionamespace.gathering import Gathering, ServerAnswers
from sionamespace.health import Health
from sionamespace.ports import Local, Runtime, Sendable
from sionamespace.runtime.pending import Pending
from sionamespace.types import Path, Room, Selection, Sid

__all__ = ["Others"]


class Others:
    """The other servers; here there are none. A cluster's are `sionamespace.cluster`'s.

    They are told what this server does for its own clients, and do the same for theirs; and they
    are asked. Its methods may be called from any thread and never block.
    """

    # How this server stands with them.

    exist = False
    """Whether there may be any."""
    node = "alone"
    """The name of this server among them."""

    def attach(self, local: Local) -> None:
        """Told once which server this is, when that is made. Nothing may be begun yet."""

    def start(self) -> None:
        """Come to the others, if this server has not; called before its clients come."""

    def stop(self) -> Pending[Any] | None:
        """Leave the others; what is done when this server has, None if it was not there."""
        return None

    def flush(self, timeout: float, runtime: Runtime) -> Pending[None]:
        """What is done when all that was sent so far is on its way; see `Application.flush`."""
        return Pending.known(runtime, None)

    def health(self) -> Health:
        """How things are."""
        return Health(self.node)

    def may_have(self, sid: Sid) -> bool:
        """Whether a client that is not connected to this server may be to another."""
        return False

    def absent(self, path: Path, sid: Sid) -> NotConnected:
        """What to raise where a client must be connected to this server, and is not."""
        return NotConnected(
            f"client {sid!r} is not connected to {path} (it left, or never was there)"
        )

    # What they are told. Each may have clients of a selection that is not local.

    def published(self, path: Path, selection: Selection, parcel: Sendable, volatile: bool) -> None:
        """A packet was sent to a selection."""

    def moved(
        self,
        path: Path,
        selection: Selection,
        into: tuple[Room, ...] = (),
        out_of: tuple[Room, ...] = (),
    ) -> None:
        """A selection was put into rooms, or taken out."""

    def dismissed(self, path: Path, selection: Selection, close: bool) -> None:
        """A selection was sent away, from the namespace or (``close``) from the server."""

    def announced(self, path: Path, parcel: Sendable, to: str | None) -> None:
        """An event of servers; it is for one of them, or (None) for all with the namespace."""

    # What they are asked.

    def find(
        self,
        path: Path,
        selection: Selection,
        found: Gathering[Any],
        clients: bool,
        timeout: float | None,
    ) -> None:
        """Which clients of a selection they have; they give them to ``found``.

        Args:
            clients: what is known of them, each a `Client`; otherwise their sids.
        """

    def ask(self, path: Path, parcel: Sendable, timeout: float | None, ack: Ack[Any]) -> bool:
        """What the one client of an ack answers; False if there is no such server."""
        return False

    def ask_all(
        self,
        path: Path,
        selection: Selection,
        event: str,
        parcel: Sendable,
        timeout: float | None,
        answers: BroadcastAck[Any],
    ) -> None:
        """What their clients of a selection answer."""

    def ask_servers(
        self,
        path: Path,
        parcel: Sendable,
        timeout: float | None,
        answers: ServerAnswers,
        to: str | None,
    ) -> None:
        """What they themselves answer to an event of servers: one of them, or (None) all."""
