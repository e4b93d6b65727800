"""The few protocols by which the parts are joined, so that none needs to import another."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Generator, Sequence
from typing import Any, Protocol, TypeAlias, TypeVar

from sionamespace.ids import Ids
from sionamespace.types import Path, Sid

__all__ = [
    "Broker",
    "Declared",
    "Host",
    "Link",
    "Local",
    "Read",
    "Receiver",
    "Runtime",
    "Sendable",
    "Timer",
    "Waiter",
    "Waiting",
]

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class Timer(Protocol):
    """What ``Runtime.later`` returns."""

    def cancel(self) -> None:
        """Make the call not happen, if it has not happened yet."""


class Waiter(Protocol):
    """A place where one thread or green thread waits; ``set`` may be called from any thread."""

    def wait(self, seconds: float | None) -> bool:
        """Wait; True if ``set`` was called, False if the time passed first."""

    def set(self) -> None:
        """Let the waiting one go on."""


class Waiting(Protocol[T_co]):
    """Something that is not known yet; see `sionamespace.runtime.pending.Pending`."""

    def done(self) -> bool: ...
    def result(self, timeout: float | None = None) -> T_co: ...
    def __await__(self) -> Generator[Any, None, T_co]: ...


class Runtime(Protocol):
    """How code runs: the one place that knows threads from green threads from loops."""

    name: str

    @property
    def has_threads(self) -> bool:
        """Whether it has started threads, which a process forked from this one would not have."""

    def bind(self) -> None:
        """Make the calling thread the engine's own; what follows may use its timers."""

    def awaited(self) -> None:
        """Somebody awaits a value on the event loop that runs here."""

    def here(self) -> bool:
        """Whether the calling thread is the engine's own, which may touch its sockets."""

    def post(self, function: Callable[..., object], *args: Any) -> None:
        """Run a function on the engine's thread, in the order posted. From any thread."""

    def on_engine(self, function: Callable[..., object], *args: Any) -> None:
        """Call a function on the engine's thread: now if this is it, else as if it was posted."""

    def start(self, step: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Run a coroutine function in a green thread, thread or task of its own.

        Called on the engine's thread, or by what was started so.
        """

    def spawn(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Waiting[Any]:
        """Run the application's function, ``def`` or ``async def``, in the background."""

    def call(
        self, function: Callable[..., Any], is_async: bool, inline: bool, *args: Any
    ) -> Awaitable[Any]:
        """The result of a handler, run in the way that suits its kind.

        Args:
            inline: a ``def`` that does not block, so that an event loop may run it itself.
        """

    def run_async(self, function: Callable[..., Any], *args: Any) -> Any:
        """The result of an ``async def``, for which a ``def`` on a thread of ours waits."""

    def run_plain(self, function: Callable[..., Any], inline: bool, *args: Any) -> Awaitable[Any]:
        """The result of a ``def``, for a coroutine: run by the thread that waits for that.

        Args:
            inline: it does not block, so that an event loop may run it itself.
        """

    def later(self, seconds: float, function: Callable[..., object], *args: Any) -> Timer:
        """Call a function on the engine's thread after some seconds."""

    def waiter(self) -> Waiter:
        """A waiter for the calling thread or green thread.

        Raises:
            WouldBlock: if what calls is an event loop, which must not wait.
        """

    def sleep(self, seconds: float) -> None:
        """Pause the calling thread or green thread, and no other."""

    def now(self) -> float:
        """Seconds on a clock that only goes forward."""


class Sendable(Protocol):
    """A packet ready to send, with its attachments; see `sionamespace.protocol.engineio.Parcel`."""

    packets: tuple[str | bytes, ...]
    """The packets of Engine.IO that carry it."""

    @property
    def size(self) -> int:
        """How many bytes it has, about."""


class Link(Protocol):
    """One client connection of an engine, as seen from above it.

    Its methods are called on the engine's thread only.
    """

    @property
    def sid(self) -> str:
        """The id of the connection. Only clients of older revisions are told what it is."""

    @property
    def transport(self) -> str:
        """``polling`` or ``websocket``."""

    @property
    def protocol(self) -> int:
        """The revision of Socket.IO's protocol that the client speaks."""

    def send(self, parcel: Any, volatile: bool = False) -> None:
        """Send all frames of a packet, or keep them in order. Never blocks.

        A volatile parcel is dropped when it cannot be written now. After the close it does nothing.
        """

    def close(self, reason: str) -> None:
        """Close, after what is waiting was sent. `Receiver.closed` is called once."""


class Receiver(Protocol):
    """What an engine tells of one client connection; see `sionamespace.connection.Connection`.

    Its methods are called on the engine's thread, never block and never run the application's code.
    """

    def receive(self, message: str | bytes) -> None:
        """One message has come."""

    def closed(self, reason: str) -> None:
        """The connection has ended. Called once."""


class Broker(Protocol):
    """Carries bytes between the processes of a cluster, over an engine such as Redis.

    It only carries: what waits, is sent again, comes anew after a break or is understood is the
    cluster's matter, written once for all brokers. Its methods are called on one event loop, one
    at a time, but `publish`, which may run beside `subscribe` and `unsubscribe`.
    """

    name: str
    """What it is and where, for logs, with no password in it."""
    filters: bool
    """Whether a message comes only to those who are subscribed to its channel; otherwise all come,
    and whoever receives them sorts them out."""
    keeps: bool
    """Whether what was published while this process's connection was away comes after `open`."""

    async def open(
        self, receive: Callable[[str, bytes], object], lost: Callable[[Exception], object]
    ) -> None:
        """Connect, anew if it was open before; raises what the engine's library does.

        Args:
            receive: called on the loop with the channel and each message of a channel that is
                subscribed to; messages of this process's own may come too.
            lost: called once, on the loop, if the connection breaks by itself after this.
        """

    async def publish(self, batch: Sequence[tuple[str, bytes]]) -> None:
        """Send messages to channels, in order; returns when the engine has taken them all.

        It raises what the library does if that is not certain: then some of them may have been
        sent.
        """

    async def subscribe(self, channels: Sequence[str]) -> None:
        """Receive what is sent to channels; returns when that is in effect."""

    async def unsubscribe(self, channels: Sequence[str]) -> None:
        """Receive it no more."""

    async def close(self) -> None:
        """Let go of the connection, whatever its state. Raises nothing."""


Read: TypeAlias = Callable[[Sid, Any], Any]
"""Makes of a client's answer, in the form that an `Ack` has, the value that was declared.

It raises `AnswerInvalid`."""


class Declared(Protocol):
    """What a namespace declares that it sends; see `sionamespace.handlers.outgoing`."""

    def to_emit(self, event: object, args: Sequence[Any]) -> str:
        """The name of a declared event that is to be emitted; raises `UsageError`."""

    def to_call(self, event: object, args: Sequence[Any]) -> tuple[str, Read | None]:
        """The name of one that is to be answered, and what reads the answer."""


class Local(Protocol):
    """What a room manager may ask of the server whose rooms it has."""

    runtime: Runtime
    ids: Ids
    codec: Any
    """The `sionamespace.protocol.codecs.Codec` of its packets."""

    @property
    def paths(self) -> Sequence[Path]:
        """The paths of the namespaces that are always there."""

    def delivery(self, path: Path) -> Any:
        """The `sionamespace.delivery.Delivery` of a namespace; None if there is none now."""

    def server_event(self, path: Path, event: str, args: Sequence[Any], in_line: bool) -> Any:
        """What a namespace's handler of an event of servers returns, a
        `sionamespace.runtime.pending.Pending`; None if there is no such namespace now.

        Args:
            in_line: run it after those that came before it, not beside them.
        """

    def server_came(self, node: str) -> None:
        """Told when another server has come."""

    def server_went(self, node: str) -> None:
        """Told when another server has gone."""


class Host(Protocol):
    """What a namespace may ask of the server that it is mounted on."""

    async_mode: str

    def namespace(self, where: Any) -> Any:
        """The namespace mounted at a path, or the one of a class."""

    def spawn(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Waiting[Any]:
        """Run a function in the background."""

    def sleep(self, seconds: float) -> None:
        """Pause the calling thread or green thread, and no other."""

    def server_event(self, path: Path, event: str, args: Sequence[Any], in_line: bool) -> Any:
        """What a namespace's handler of an event of servers returns; as in `Local`."""

    def report_error(self, path: Path, sid: Sid, event: str, error: BaseException) -> None:
        """Log what a handler raised and nothing handled."""
