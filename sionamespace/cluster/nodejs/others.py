"""`NodeOthers`: our own other servers, and those of Node."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from sionamespace.acks import Ack, BroadcastAck
from sionamespace.cluster.encoded import Encoded
from sionamespace.cluster.membership import Membership, Settings
from sionamespace.cluster.messages import Announce, Dismiss, Emit, Enter, Leave
from sionamespace.cluster.nodejs.link import CountingBroker, NodeLink
from sionamespace.cluster.nodejs.wire import NodeWire
from sionamespace.cluster.others import ClusterOthers, size_of
from sionamespace.cluster.wire import Wire
from sionamespace.errors import BrokerDown
from sionamespace.gathering import Gathering, ServerAnswers
from sionamespace.ids import Ids
from sionamespace.ports import Broker, Runtime, Sendable
from sionamespace.runtime.pending import Pending
from sionamespace.types import Path, Room, Selection, Sid

__all__ = ["NodeOthers"]


class NodeOthers(ClusterOthers):
    """Tells and asks both: our own in their way, those of Node in theirs."""

    def __init__(
        self, broker: Broker, wire: Wire, settings: Settings, node_broker: CountingBroker
    ) -> None:
        super().__init__(broker, wire, settings)
        self._node_broker = node_broker
        self._link: NodeLink | None = None

    def _begin(self) -> Membership:
        membership, local = super()._begin(), self._local
        assert local is not None
        wire = NodeWire(local.codec, self._node_broker.node_key)
        link = NodeLink(membership.node, local, self._node_broker, wire, self._settings)
        for path in self._fixed:
            link.listen_to(path)
        link.start()
        self._link = link
        return membership

    def start(self) -> None:
        super().start()
        self._node().start()

    def stop(self) -> Pending[Any] | None:
        left, ours = self._link.stop() if self._link is not None else None, super().stop()
        if left is None or ours is None or self._local is None:
            return ours
        both: Pending[Any] = Pending(self._local.runtime)
        ours.listen(lambda: left.listen(lambda: both.resolve(None)))
        return both

    def flush(self, timeout: float, runtime: Runtime) -> Pending[None]:
        ours, both = super().flush(timeout, runtime), Pending[None](runtime)
        ours.listen(partial(self._flush_node, ours, both))
        late = BrokerDown(
            f"what was sent to servers of Node did not reach {self._node_broker.name} within "
            f"{timeout:g} s; it is sent when that is reached"
        )
        both.listen(runtime.later(timeout, both.fail, late).cancel)
        return both

    def _flush_node(self, ours: Pending[None], both: Pending[None]) -> None:
        error = ours.exception()
        if error is not None:
            both.fail(error)
        elif not self._node().flush(lambda: both.resolve(None)):
            both.fail(BrokerDown(f"too much waits for {self._node_broker.name}"))

    def may_have(self, sid: Sid) -> bool:
        return True  # Node's do not say whose they are

    # What they are told.

    def published(self, path: Path, selection: Selection, parcel: Sendable, volatile: bool) -> None:
        super().published(path, selection, parcel, volatile)
        if _may_concern(selection):
            packet = Encoded.of(parcel.packets)
            emit = Emit(path, selection.rooms, selection.skip, packet, volatile)
            size = parcel.size + size_of(selection.rooms, selection.skip)
            self._node().tell(emit, size, volatile)

    def moved(
        self,
        path: Path,
        selection: Selection,
        into: tuple[Room, ...] = (),
        out_of: tuple[Room, ...] = (),
    ) -> None:
        super().moved(path, selection, into, out_of)
        if _may_concern(selection):
            size = size_of(selection.rooms, selection.skip) + size_of(into, out_of)
            if into:
                self._node().tell(Enter(path, selection.rooms, selection.skip, into), size)
            if out_of:
                self._node().tell(Leave(path, selection.rooms, selection.skip, out_of), size)

    def dismissed(self, path: Path, selection: Selection, close: bool) -> None:
        super().dismissed(path, selection, close)
        if _may_concern(selection):
            size = size_of(selection.rooms, selection.skip)
            self._node().tell(Dismiss(path, selection.rooms, selection.skip, close), size)

    def announced(self, path: Path, parcel: Sendable, to: str | None) -> None:
        super().announced(path, parcel, to)
        if to is None:
            self._node().tell(Announce(path, Encoded.of(parcel.packets)), parcel.size)

    # What they are asked.

    def find(
        self,
        path: Path,
        selection: Selection,
        found: Gathering[Any],
        clients: bool,
        timeout: float | None,
    ) -> None:
        if _may_concern(selection):
            self._ask_node(found, lambda: self._questions.find(path, selection, found, clients))
        super().find(path, selection, found, clients, timeout)

    def ask(self, path: Path, parcel: Sendable, timeout: float | None, ack: Ack[Any]) -> bool:
        if Ids.node_of(ack.sid) is not None:
            return super().ask(path, parcel, timeout, ack)
        event = self._values(parcel)

        def failed(error: Exception) -> None:
            ack.fail(BrokerDown(f"servers of Node could not be asked for {ack.sid!r}: {error}"))

        self._node().ask(lambda: self._questions.ask(path, event, timeout, ack), failed)
        return True

    def ask_all(
        self,
        path: Path,
        selection: Selection,
        event: str,
        parcel: Sendable,
        timeout: float | None,
        answers: BroadcastAck[Any],
    ) -> None:
        if _may_concern(selection):
            data = self._values(parcel)
            ask = partial(self._questions.ask_all, path, selection, data, timeout, answers)
            self._ask_node(answers, ask)
        super().ask_all(path, selection, event, parcel, timeout, answers)

    def ask_servers(
        self,
        path: Path,
        parcel: Sendable,
        timeout: float | None,
        answers: ServerAnswers,
        to: str | None,
    ) -> None:
        if to is None:
            event = self._values(parcel)
            ask = partial(self._questions.ask_servers, path, event, answers)
            self._ask_node(answers, ask)
        super().ask_servers(path, parcel, timeout, answers, to)

    # Where there are clients.

    def listen_to(self, path: Path, room: Room | None) -> None:
        super().listen_to(path, room)
        if room is None and path not in self._fixed:
            self._node().listen_to(path)

    def listen_no_more_to(self, path: Path, room: Room | None) -> None:
        super().listen_no_more_to(path, room)
        if room is None and path not in self._fixed:
            self._node().listen_no_more_to(path)

    # Inside.

    def _node(self) -> NodeLink:
        self._membership()
        assert self._link is not None
        return self._link

    @property
    def _questions(self) -> Any:
        return self._node().questions

    def _ask_node(self, gathering: Gathering[Any], ask: Callable[[], Any]) -> None:
        """Ask, and let somebody wait until it is known who has to answer."""
        unknown = object()
        gathering.expect(unknown)

        async def asking() -> None:
            await ask()
            gathering.drop(unknown)

        self._node().ask(asking, lambda error: gathering.lose(unknown))

    def _values(self, parcel: Sendable) -> list[Any]:
        assert self._local is not None
        return Encoded.of(parcel.packets).values(self._local.codec)


def _may_concern(selection: Selection) -> bool:
    """Whether servers of Node may have a client of a selection."""
    rooms = selection.rooms
    return not selection.local and (rooms is None or any(Ids.node_of(r) is None for r in rooms))
