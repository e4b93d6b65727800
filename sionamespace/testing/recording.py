"""An application whose unhandled errors go to the test, and which keeps what it says."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import CancelledError
from contextvars import ContextVar
from typing import Any, cast

from sionamespace.acks import Ack, BroadcastAck
from sionamespace.application import Application
from sionamespace.connection import AnyMounted, Connection
from sionamespace.delivery import Delivery
from sionamespace.handlers.response import Answer
from sionamespace.mounted import Place
from sionamespace.options import Options
from sionamespace.ports import Runtime
from sionamespace.protocol.engineio import Parcel
from sionamespace.rooms import RoomManager
from sionamespace.router import Router, Routes
from sionamespace.runtime.pending import Pending
from sionamespace.sessions import Session
from sionamespace.testing.events import Emitted
from sionamespace.types import Path, Selection, Sid

__all__ = ["RecordingApplication", "RecordingConnection"]


_encoded: ContextVar[Parcel] = ContextVar("encoded")
"""What was encoded last, here: to tell of it, nothing is encoded twice."""


class _Delivery(Delivery):
    """Tells what is sent, also when nobody is there to receive it."""

    told: Callable[[Emitted], object] | None = None

    def emit(
        self, selection: Selection, event: str, args: tuple[Any, ...], volatile: bool = False
    ) -> None:
        super().emit(selection, event, args, volatile)
        self._tell(selection, event)

    def call(
        self, selection: Selection, event: str, args: tuple[Any, ...], timeout: float | None
    ) -> Ack[Any]:
        ack = super().call(selection, event, args, timeout)
        self._tell(selection, event)
        return ack

    def call_all(
        self, selection: Selection, event: str, args: tuple[Any, ...], timeout: float | None
    ) -> BroadcastAck[Any]:
        acks = super().call_all(selection, event, args, timeout)
        self._tell(selection, event)
        return acks

    def _encode(self, event: str, args: tuple[Any, ...], number: int | None = None) -> Parcel:
        parcel = super()._encode(event, args, number)
        _encoded.set(parcel)
        return parcel

    def _tell(self, selection: Selection, event: str) -> None:
        rooms = None if selection.rooms is None else frozenset(selection.rooms)
        if self.told is not None and rooms != frozenset():  # to no room: nobody was spoken to
            args = self._as_seen(_encoded.get())
            self.told(Emitted(self.path, event, args, rooms, selection.skip))

    def _as_seen(self, parcel: Parcel) -> tuple[Any, ...]:
        """The arguments that the clients make of a packet."""
        return tuple(self.codec.read(parcel.messages).data[1:])


class RecordingConnection(Connection):
    """Keeps what the handlers returned to which acks."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.answers: dict[tuple[Path, int], Answer] = {}
        """By the path and the id of the ack."""

    def _answer(
        self, mounted: AnyMounted, session: Session, event: str, number: int, answer: Answer
    ) -> Parcel | None:
        self.answers[session.path, number] = answer
        return super()._answer(mounted, session, event, number, answer)


class RecordingApplication(Application):
    """See the module.

    Args:
        keep_error: called with what a handler or a background task raised and nothing handled.
        keep_emitted: called with each event that a namespace sends.
    """

    connection_type = RecordingConnection
    delivery_type = _Delivery

    def __init__(
        self,
        routes: Routes | Router,
        runtime: Runtime,
        options: Options,
        rooms: RoomManager | None,
        keep_error: Callable[[BaseException], None],
        keep_emitted: Callable[[Emitted], None],
    ) -> None:
        self._keep_error = keep_error
        self._keep_emitted = keep_emitted
        super().__init__(routes, runtime, options, rooms)

    def report_error(self, path: Path, sid: Sid, event: str, error: BaseException) -> None:
        self._keep_error(error)

    def spawn(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Pending[Any]:
        pending = super().spawn(function, *args, **kwargs)
        pending.listen(lambda: self._keep_error_of(pending))
        return pending

    def _keep_error_of(self, pending: Pending[Any]) -> None:
        error = pending.exception()
        if error is not None and not isinstance(error, CancelledError):
            self._keep_error(error)

    def _place(self, path: Path) -> Place:
        place = super()._place(path)
        cast(_Delivery, place.delivery).told = self._keep_emitted
        return place
