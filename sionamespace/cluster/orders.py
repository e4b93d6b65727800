"""`Orders`: what another server has this one do."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import suppress

from sionamespace.cluster.inbox import Inbox
from sionamespace.cluster.messages import Dismiss, Emit, Enter, Leave, Message
from sionamespace.delivery import Delivery
from sionamespace.errors import NotConnected, UsageError
from sionamespace.logs import FirstTimes
from sionamespace.ports import Local
from sionamespace.types import Path, Selection

__all__ = ["Orders"]

_log = logging.getLogger("sionamespace.cluster")


class Orders:
    """Carries out what other servers want of this one's clients. Used on the cluster's loop.

    Who is meant is found out at once, so that what one server says takes effect in its order.
    """

    def __init__(self, local: Local, inbox: Inbox) -> None:
        self._local = local
        self._inbox = inbox
        self._strange = FirstTimes(_log)
        self._ways: dict[type, Callable[..., object]] = {
            Emit: self._emit,
            Enter: self._enter,
            Leave: self._leave,
            Dismiss: self._dismiss,
        }

    def carry_out(self, node: str, message: Message) -> None:
        """Do what a message of another server says."""
        self._ways[type(message)](node, message)

    def _emit(self, node: str, message: Emit) -> None:
        delivery = self._delivery(message.path)
        if delivery is None:
            return
        if (message.packet.text is not None) != delivery.is_text:
            self._strange.warning(
                f"serializer of {node}",
                "server %s has another serializer= than this one: what it emits is lost here",
                node,
            )
            return
        selection = Selection(message.rooms, message.skip)
        sids = delivery.rooms.recipients(message.path, selection)
        if sids:
            self._inbox.add(delivery, sids, message.packet.parcel(), message.volatile)

    def _enter(self, node: str, message: Enter) -> None:
        self._each(message, "enter", message.into)

    def _leave(self, node: str, message: Leave) -> None:
        self._each(message, "leave", message.out_of)

    def _each(self, message: Enter | Leave, operation: str, rooms: tuple[str, ...]) -> None:
        delivery = self._delivery(message.path)
        if delivery is not None:
            change = getattr(delivery.rooms, operation)
            for sid in delivery.rooms.recipients(message.path, _selection(message)):
                for room in rooms:
                    with suppress(NotConnected, UsageError):  # it left, or it is its own room
                        change(message.path, sid, room)

    def _dismiss(self, node: str, message: Dismiss) -> None:
        delivery = self._delivery(message.path)
        if delivery is not None:
            delivery.dismiss(_selection(message), message.close)

    def _delivery(self, path: Path) -> Delivery | None:
        """How the clients at a path are reached; None if there are none."""
        found: Delivery | None = self._local.delivery(path)
        return found


def _selection(message: Enter | Leave | Dismiss) -> Selection:
    return Selection(message.rooms, message.skip)
