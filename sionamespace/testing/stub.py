"""`stub`: a namespace on its own, whose handlers are called as the plain methods that they are."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import Any, Protocol, TypeVar, cast, overload
from unittest.mock import Mock

from sionamespace.acks import Ack
from sionamespace.audience import Audience
from sionamespace.delivery import Delivery
from sionamespace.engine.memory import MemoryLink
from sionamespace.handlers.outgoing import OutgoingTable
from sionamespace.namespace import Namespace
from sionamespace.ports import Host
from sionamespace.protocol.codecs import CODECS
from sionamespace.protocol.packet import Packet, PacketType
from sionamespace.rooms import MemoryRoomManager
from sionamespace.runtime.pending import Pending
from sionamespace.sessions import Session, Sessions
from sionamespace.testing.events import EventName
from sionamespace.testing.runtime import ManualRuntime
from sionamespace.types import Path, Room, Selection, Sid

__all__ = ["Mocks", "mocks_of", "stub"]

N = TypeVar("N", bound=Namespace)

_PATH = "/stub"
_REAL = ("emit", "send", "enter_room", "leave_room", "close_room", "rooms", "members", "disconnect")
"""What does what it always does, and is recorded."""


class Mocks(Protocol):
    """A stubbed namespace, as its mocks: what it was called with, and what it is to return."""

    emit: Mock
    send: Mock
    call: Mock
    to: Mock
    everyone: Mock
    enter_room: Mock
    leave_room: Mock
    close_room: Mock
    rooms: Mock
    members: Mock
    disconnect: Mock
    spawn: Mock
    sleep: Mock


@overload
def stub(
    namespace: type[N],
    *,
    answers: Mapping[EventName, Any] | None = None,
    params: Mapping[str, Any] | None = None,
) -> N: ...
@overload
def stub(
    namespace: N,
    *,
    answers: Mapping[EventName, Any] | None = None,
    params: Mapping[str, Any] | None = None,
) -> N: ...
def stub(
    namespace: Any,
    *,
    answers: Mapping[EventName, Any] | None = None,
    params: Mapping[str, Any] | None = None,
) -> Any:
    """A namespace with no server and no clients, whose methods a test calls.

        def test_a_message_is_passed_on():
            chat = stub(Chat)
            chat.session("ann")["name"] = "Ann"
            assert chat.on_message("ann", "hi") == "OK"
            mocks_of(chat).emit.assert_called_once_with("message", "hi", skip_sid="ann")

    What it says and does is recorded by mocks of the same signatures, see `mocks_of`: a call that
    the real method would not take, or a value that cannot be sent, fails here too. Any sid is that
    of a client; its session is a real dict, its rooms are real. What is spawned does not run, and
    nothing sleeps. Middleware and the checks of payloads are not called: for these there is
    `sionamespace.testing.Harness`.

    Args:
        namespace: an instance, or a class that is made without arguments.
        answers: what clients answer to each event that the namespace calls them with, named or
            declared; an exception is what the answer's ``result`` raises.
        params: its ``params``, if it is for a path with parameters. `Namespace.opened` is not
            called.
    """
    made: Namespace = namespace() if isinstance(namespace, type) else namespace
    runtime = ManualRuntime()
    delivery = Delivery(_PATH, runtime, _Rooms(), _Sessions(_PATH, runtime), CODECS["json"])
    made.mount(delivery, Mock(spec=Host), params)
    audience = _recorded_audience(Audience(delivery, Selection(()), made.declared))
    instead: dict[str, Callable[..., Any]] = {
        "call": _Answers(runtime, made.declared, answers or {}),
        "to": lambda *rooms: audience,
        "_audience": lambda selection: audience,
        "spawn": lambda function, *args, **kwargs: Pending(runtime),
        "sleep": lambda seconds: None,
    }
    for name in (*_REAL, *instead):
        method = getattr(made, name)
        setattr(made, name, Mock(spec=method, side_effect=instead.get(name, method)))
    mocks_of(made).to.return_value = audience  # for the test to find it
    return made


def mocks_of(namespace: Namespace) -> Mocks:
    """The mocks in a stubbed namespace, for ``mocks_of(chat).emit.assert_called_with(...)``.

    It is the namespace itself, and says to a type checker what its methods are.
    """
    return cast(Mocks, namespace)


def _recorded_audience(nobody: Audience) -> Mock:
    """The one audience that all the methods which choose one return."""
    audience = Mock(spec=Audience, wraps=nobody)
    audience.to.return_value = audience.skip.return_value = audience
    return audience


class _Answers:
    """What the clients answer, in place of ``call``."""

    def __init__(
        self, runtime: ManualRuntime, declared: OutgoingTable, answers: Mapping[EventName, Any]
    ) -> None:
        self._runtime = runtime
        self._declared = declared
        self._answers = {declared.name_of(event): answer for event, answer in answers.items()}

    def __call__(
        self, event: EventName, *args: Any, room: Room, timeout: float | None = 60
    ) -> Ack[Any]:
        name, read = self._declared.to_call(event, args) if callable(event) else (event, None)
        __tracebackhide__ = True
        if name not in self._answers:
            raise AssertionError(
                f"the namespace asks the client {name!r}; say what is answered: "
                f"stub(..., answers={{{name!r}: ...}})"
            )
        ack: Ack[Any] = Ack(self._runtime, name, room)
        answer = self._answers[name]
        if isinstance(answer, BaseException):
            ack.fail(answer)
        else:
            ack.resolve(answer if read is None else _as_sent(answer))
            ack.read_with(read)
        return ack


def _as_sent(answer: Any) -> Any:
    """What a server makes of an answer that a client sends."""
    values = list(answer) if isinstance(answer, tuple) else [answer]
    message, attachments = CODECS["json"].encode(Packet(PacketType.ACK, _PATH, values, 0))
    decoder = CODECS["json"].make_decoder(len(attachments), sys.maxsize)
    packet = decoder.feed(message)
    for attachment in attachments:
        packet = decoder.feed(attachment)
    assert packet is not None
    return tuple(packet.data) if isinstance(answer, tuple) else packet.data[0]


class _Sessions(Sessions):
    """Whoever is asked for is there."""

    def __init__(self, path: Path, runtime: ManualRuntime) -> None:
        super().__init__(path)
        self._runtime = runtime

    def __getitem__(self, sid: Sid) -> Session:
        session = self.get(sid)
        if session is None:
            link = MemoryLink(lambda message: None, 0)
            # It is never let in, so what it is sent is held, however much it is.
            session = Session(self._runtime, link, _PATH, sid, None, {}, sys.maxsize)
            self.add(session)
        return session


class _Rooms(MemoryRoomManager):
    """Whoever is asked for is there."""

    def enter(self, path: Path, sid: Sid, room: Room) -> None:
        self.add(path, sid)
        super().enter(path, sid, room)

    def leave(self, path: Path, sid: Sid, room: Room) -> None:
        self.add(path, sid)
        super().leave(path, sid, room)

    def rooms(self, path: Path, sid: Sid) -> frozenset[Room]:
        self.add(path, sid)
        return super().rooms(path, sid)
