"""`Orders`: what another server has this one do."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

from sionamespace.acks import Ack
from sionamespace.client import Client
from sionamespace.cluster.encoded import Encoded
from sionamespace.cluster.inbox import Inbox
from sionamespace.cluster.messages import (
    Announce,
    Answer,
    Asked,
    AskServers,
    Call,
    Command,
    Dismiss,
    Emit,
    Enter,
    Find,
    Found,
    Leave,
    Reply,
    Said,
    ToClients,
)
from sionamespace.delivery import Delivery
from sionamespace.errors import AckTimeout, NotConnected, UsageError
from sionamespace.logs import FirstTimes
from sionamespace.ports import Local
from sionamespace.runtime.pending import Pending
from sionamespace.types import Path, Selection, Sid

__all__ = ["Orders"]

_log = logging.getLogger("sionamespace.cluster")

_SURROGATES = re.compile("[\ud800-\udfff]")
"""Such a text cannot be written as UTF-8."""


class Orders:
    """Carries out what other servers want of this one's clients. Used on the cluster's loop.

    Who is meant is found out at once, and what is sent to them goes through the inbox, so that what
    one server says takes effect in its order.

    Args:
        reply: called with the server that asked, the reply, and about how many bytes that has.
    """

    def __init__(
        self, local: Local, inbox: Inbox, reply: Callable[[str, Reply, int], object]
    ) -> None:
        self._local = local
        self._inbox = inbox
        self._reply = reply
        self._strange = FirstTimes(_log)
        self._ways: dict[type, Callable[..., object]] = {
            Emit: self._emit,
            Enter: self._enter,
            Leave: self._leave,
            Dismiss: self._dismiss,
            Find: self._find,
            Call: self._call,
            Announce: self._announce,
            AskServers: self._ask_server,
        }

    def carry_out(self, node: str, message: Command) -> None:
        """Do what a message of another server says."""
        self._ways[type(message)](node, message)

    def _emit(self, node: str, message: Emit) -> None:
        delivery = self._delivery(message.path)
        if delivery is None:
            return
        if (message.packet.text is not None) != delivery.codec.is_text:
            self._strange.warning(
                f"serializer of {node}",
                "server %s has another serializer= than this one: what it emits is lost here",
                node,
            )
            return
        sids = _sids(delivery, message)
        if sids and self._inbox.has_room(message.volatile):
            parcel = message.packet.parcel()
            self._inbox.add(parcel.size, delivery.fan_out, sids, parcel, message.volatile)

    def _enter(self, node: str, message: Enter) -> None:
        self._each(message, "enter", message.into)

    def _leave(self, node: str, message: Leave) -> None:
        self._each(message, "leave", message.out_of)

    def _each(self, message: Enter | Leave, operation: str, rooms: tuple[str, ...]) -> None:
        delivery = self._delivery(message.path)
        if delivery is not None:
            change = getattr(delivery.rooms, operation)
            for sid in _sids(delivery, message):
                for room in rooms:
                    with suppress(NotConnected, UsageError):  # it left, or it is its own room
                        change(message.path, sid, room)

    def _dismiss(self, node: str, message: Dismiss) -> None:
        delivery = self._delivery(message.path)
        if delivery is not None and (sids := _sids(delivery, message)):
            self._inbox.add(0, delivery.dismiss, sids, message.close)

    def _find(self, node: str, message: Find) -> None:
        delivery, sids, packet, size = self._delivery(message.path), [], None, 0
        if delivery is not None and message.clients:
            found = [_plain(client) for client in delivery.own_clients(_selection(message))]
            packet = Encoded.of_values(delivery.codec, message.path, found)
            size = packet.size
        elif delivery is not None:
            sids = _sids(delivery, message)
            size = sum(map(len, sids))
        self._reply(node, Found(message.question, tuple(sids), packet), size)

    def _call(self, node: str, message: Call) -> None:
        delivery = self._delivery(message.path)
        sids = [] if delivery is None or not self._inbox.has_room() else _sids(delivery, message)
        self._reply(node, Asked(message.question, tuple(sids)), sum(map(len, sids)))
        if delivery is not None and sids:
            self._inbox.add(message.packet.size, self._ask, delivery, node, message, sids)

    def _ask(self, delivery: Delivery, node: str, message: Call, sids: list[Sid]) -> None:
        """On the engine's thread."""
        event, *args = message.packet.values(delivery.codec)
        for ack in delivery.ask_each(sids, event, tuple(args), message.timeout):
            ack.listen(partial(self._answer, node, message, ack))

    def _answer(self, node: str, message: Call, ack: Ack[Any]) -> None:
        """Pass on what a client has answered, or that it has left; the asker keeps the time."""
        error, packet = ack.exception(), None
        if isinstance(error, AckTimeout):
            return
        if error is None:
            packet = Encoded.of_values(self._local.codec, message.path, _arguments(ack.result()))
        answer = Answer(message.question, ack.sid, packet)
        self._reply(node, answer, 0 if packet is None else packet.size)

    def _announce(self, node: str, message: Announce) -> None:
        event, *args = message.packet.values(self._local.codec)
        run, size = self._local.server_event, message.packet.size
        if self._inbox.has_room(for_handlers=True):
            self._inbox.add(size, run, message.path, event, args, True)

    def _ask_server(self, node: str, message: AskServers) -> None:
        if self._inbox.has_room(for_handlers=True):
            self._inbox.add(message.packet.size, self._run, node, message)

    def _run(self, node: str, message: AskServers) -> Pending[Any] | None:
        """On the engine's thread; what its handlers return."""
        event, *args = message.packet.values(self._local.codec)
        pending: Pending[Any] | None = self._local.server_event(message.path, event, args, False)
        if pending is None:
            self._reply(node, Said(message.question, False, None), 0)
        else:
            pending.listen(partial(self._say, node, message, pending))
        return pending

    def _say(self, node: str, message: AskServers, pending: Pending[Any]) -> None:
        packet = None
        if pending.exception() is None:
            try:
                packet = Encoded.of_values(self._local.codec, message.path, [pending.result()])
            except UsageError as error:
                _log.error("%s: what a handler of servers returned: %s", message.path, error)
        self._reply(node, Said(message.question, True, packet), packet.size if packet else 0)

    def _delivery(self, path: Path) -> Delivery | None:
        """How the clients at a path are reached; None if there are none."""
        found: Delivery | None = self._local.delivery(path)
        return found


def _selection(message: ToClients) -> Selection:
    return Selection(message.rooms, message.skip, local=True)


def _sids(delivery: Delivery, message: ToClients) -> list[Sid]:
    return delivery.rooms.recipients(message.path, _selection(message))


def _arguments(answer: Any) -> list[Any]:
    """The arguments that a client answered with, from what they are for an `Ack`."""
    if answer is None:
        return []
    return list(answer) if isinstance(answer, tuple) else [answer]


def _plain(client: Client) -> list[Any]:
    """What is known of a client, as far as it can leave this process."""
    environ = {name: value for name, value in client.environ.items() if _is_plain(value)}
    return [
        client.sid,
        client.auth,
        environ,
        sorted(client.rooms),
        client.transport,
        client.protocol,
        client.connected_at,
    ]


def _is_plain(value: object) -> bool:
    return isinstance(value, (str, int, bool)) and not _SURROGATES.search(str(value))
