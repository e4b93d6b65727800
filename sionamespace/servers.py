"""`Servers`: a namespace on all servers that share its clients."""

from __future__ import annotations

import logging
from typing import Any

import attrs

from sionamespace.delivery import Delivery
from sionamespace.errors import UsageError
from sionamespace.gathering import ServerAnswers
from sionamespace.handlers.spec import HandlerTable
from sionamespace.ports import Host
from sionamespace.protocol.engineio import Parcel
from sionamespace.protocol.packet import Packet, PacketType
from sionamespace.runtime.pending import Pending

__all__ = ["Servers"]

_log = logging.getLogger("sionamespace.handlers")


@attrs.frozen
class Servers:
    """A namespace on all servers that share its clients, this one among them.

    ``self.servers.emit("cache_clear", key)`` runs the method ``cache_clear``, which is marked with
    `server_event`, on each of them. Its methods may be called from any thread and never block.
    """

    _delivery: Delivery = attrs.field(repr=False)
    _host: Host = attrs.field(repr=False)
    _table: HandlerTable = attrs.field(repr=False)
    _only: str | None = None
    _but_this: bool = False

    @property
    def node(self) -> str:
        """The name of this server."""
        return self._delivery.rooms.others.node

    @property
    def others(self) -> frozenset[str]:
        """The names of the other servers that are there now."""
        return self._delivery.rooms.others.health().nodes

    @property
    def elsewhere(self) -> Servers:
        """All but this one."""
        return attrs.evolve(self, but_this=True)

    def to(self, node: str) -> Servers:
        """Only the server of this name."""
        return attrs.evolve(self, only=node)

    def emit(self, event: str, *args: Any) -> None:
        """Have each server handle an event; this one too, which does not wait for the others.

        A namespace handles the events that are sent so one at a time, those of one server in the
        order in which they were sent. Servers on which there is no such namespace now, as its path
        has parameters, take no notice.

        Raises:
            UsageError: for a value that cannot be sent, or an event that the namespace has not.
        """
        self._check(event)
        others = self._delivery.rooms.others
        if not (others.exist or self._includes_this):
            return
        parcel = self._parcel(event, args)
        if self._includes_this:
            self._run(event, parcel, in_line=True)
        if self._only != self.node:
            others.announced(self._delivery.path, parcel, self._only)

    def call(self, event: str, *args: Any, timeout: float | None = 2) -> ServerAnswers:
        """Have each server handle an event, and return what their handlers return, to come.

        They run beside all others, so that a handler may ask while it is asked.

        The value is a `ServerReport`: what each server answered, by its name, and who did not
        within ``timeout`` seconds (None: for ever).

        Raises:
            UsageError: as for `emit`.
        """
        self._check(event)
        parcel = self._parcel(event, args)
        others, runtime = self._delivery.rooms.others, self._delivery.runtime
        answers = ServerAnswers(runtime)
        if self._includes_this:
            answers.expect(self.node)
            self._listen(answers, self._run(event, parcel, in_line=False))
        if self._only != self.node:
            others.ask_servers(self._delivery.path, parcel, timeout, answers, self._only)
        answers.close()
        return answers

    def _listen(self, answers: ServerAnswers, pending: Pending[Any] | None) -> None:
        if pending is None:
            answers.drop(self.node)
        else:
            pending.listen(lambda: answers.give(self.node, self._said(pending)))

    def _said(self, pending: Pending[Any]) -> list[Any] | None:
        """What the handler on this server returned, as another server would see it."""
        if pending.exception() is not None:
            return None
        try:
            return self._delivery.as_received([pending.result()])
        except UsageError as error:
            _log.error("%s: what a handler of servers returned: %s", self._delivery.path, error)
            return None

    @property
    def _includes_this(self) -> bool:
        return not self._but_this and self._only in (None, self.node)

    def _run(self, event: str, parcel: Parcel, in_line: bool) -> Any:
        """What the handler on this server returns, to come; None if it is not there now.

        It gets what those on other servers get, and no object that the sender may change.
        """
        _, *args = self._delivery.codec.read(parcel.messages).data
        return self._host.server_event(self._delivery.path, event, args, in_line)

    def _check(self, event: str) -> None:
        if event not in self._table.server:
            there = ", ".join(sorted(self._table.server)) or "none"
            raise UsageError(
                f"no method handles the servers' event {event!r:.80}; there are: {there}; mark one "
                "with @server_event"
            )

    def _parcel(self, event: str, args: tuple[Any, ...]) -> Parcel:
        packet = Packet(PacketType.ACK, self._delivery.path, [event, *args], 0)
        return self._delivery.parcel(packet)
