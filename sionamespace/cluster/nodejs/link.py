"""`NodeLink`: this server among those of Node."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable, Coroutine
from functools import partial
from typing import Any, Protocol

from sionamespace.cluster.inbox import Inbox
from sionamespace.cluster.membership import Settings
from sionamespace.cluster.messages import Message
from sionamespace.cluster.nodejs.orders import NodeOrders
from sionamespace.cluster.nodejs.questions import OURS, NodeQuestions
from sionamespace.cluster.nodejs.reading import read_broadcast, read_plain
from sionamespace.cluster.nodejs.wire import NodeWire
from sionamespace.cluster.outbox import Entry, Outbox
from sionamespace.cluster.pump import Pump
from sionamespace.cluster.stay import Stay
from sionamespace.cluster.wire import WireError
from sionamespace.errors import BrokerDown, PacketError, UsageError
from sionamespace.logs import FirstTimes
from sionamespace.ports import Broker, Local
from sionamespace.runtime.faults import log_fault
from sionamespace.runtime.pending import Pending
from sionamespace.types import Path

__all__ = ["CountingBroker", "NodeLink"]

_log = logging.getLogger("sionamespace.cluster")


class CountingBroker(Broker, Protocol):
    """A broker with patterns of channels, which end with ``*``."""

    node_key: str

    async def count(self, channel: str) -> int:
        """How many are subscribed to a channel."""


class NodeLink:
    """Tells and asks the servers of Node, by a connection of its own, and does what they say.

    What our own servers tell each other they do in their own way, so they pass over here what is
    of one of them. From any thread, but for what comes.

    Args:
        node: the name of this server.
    """

    def __init__(
        self, node: str, local: Local, broker: CountingBroker, wire: NodeWire, settings: Settings
    ) -> None:
        self._uid = f"{OURS}-{node}"
        self._local = local
        self._broker = broker
        self._wire = wire
        self._outbox = Outbox(settings.max_outbox_bytes, _unheard)
        inbox = Inbox(local.runtime, settings.max_inbox_bytes, _unheard)
        self._orders = NodeOrders(local, inbox, self._respond)
        self.questions = NodeQuestions(self._uid, local.runtime, self._count, self._request)
        self._pump = Pump(
            broker,
            self._outbox,
            self._write,
            self._receive,
            self._connected,
            self._lost,
            self._given_up,
        )
        self._paths: dict[str, Path] = {}
        self._foreign = FirstTimes(_log)
        self._is_connected: bool | None = None
        self._stay = Stay(local.runtime, self._pump.run, self._left)
        self._tasks: set[asyncio.Task[None]] = set()
        self._not_begun: dict[object, Callable[[Exception], object]] = {}
        """What is called with an error if a question that waits cannot be asked."""

    def start(self) -> None:
        """Come to them."""
        self._stay.start()

    def stop(self) -> Pending[Any] | None:
        """Leave them, after what waits was sent, if it can be sent now."""
        leaving = self._stay.stop()
        self._pump.wake()
        return leaving

    def flush(self, done: Callable[[], object]) -> bool:
        """Have a function called when all so far was published; False if too much waits."""
        return self._outbox.mark(done)

    def tell(self, message: Message, size: int = 0, volatile: bool = False) -> None:
        """Send something that has no answer."""
        self._outbox.put(message, None, size, volatile)

    def ask(
        self,
        question: Callable[[], Coroutine[Any, Any, None]],
        failed: Callable[[Exception], object],
    ) -> None:
        """Run a question, one of `questions`, after what was told before.

        Args:
            failed: called with the error if they cannot be asked.
        """
        waits = object()
        self._not_begun[waits] = failed
        if not self._outbox.mark(partial(self._begin, question, waits)):
            self._fail(
                waits, BrokerDown(f"{self._outbox.bytes} bytes wait for {self._broker.name}")
            )
        elif not self._stay.has_begun:
            self._fail(waits, _has_left())

    def listen_to(self, path: Path) -> None:
        """Take part in what concerns a namespace."""
        for channel in self._channels(path):
            self._paths[channel] = path
            self._outbox.want(channel)

    def listen_no_more_to(self, path: Path) -> None:
        """Take no part in it any more."""
        for channel in self._channels(path):
            self._outbox.unwant(channel)
            self._paths.pop(channel, None)

    def _channels(self, path: Path) -> list[str]:
        begin = re.sub(r"([?*\[\]\\])", r"\\\1", self._wire.namespace(path))
        requests, responses = self._wire.requests(path), self._wire.responses(path)
        # Some answer on a channel for whoever asked.
        return [f"{begin}*", requests, responses, f"{responses}{self._uid}#"]

    # On the loop.

    def _left(self) -> None:
        self.questions.give_up()
        for waits in list(self._not_begun):
            self._fail(waits, _has_left())

    def _begin(self, question: Callable[[], Coroutine[Any, Any, None]], waits: object) -> None:
        failed = self._not_begun.pop(waits, None)
        if failed is not None:
            task = asyncio.ensure_future(_guarded(question, failed))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def _fail(self, waits: object, error: BrokerDown) -> None:
        failed = self._not_begun.pop(waits, None)
        if failed is not None:
            failed(error)

    def _count(self, path: Path) -> Awaitable[int]:
        return self._broker.count(self._wire.requests(path))

    def _request(self, path: Path, request: bytes) -> None:
        self._outbox.put(request, self._wire.requests(path), len(request))

    def _respond(self, path: Path, response: bytes) -> None:
        self._outbox.put(response, self._wire.responses(path), len(response))

    def _write(self, entry: Entry) -> tuple[str, bytes] | None:
        if isinstance(entry.message, bytes):
            assert entry.channel is not None
            return entry.channel, entry.message
        channel = self._wire.channel(entry.message, self._uid)
        assert channel is not None
        return channel, self._wire.write(self._uid, entry.number, entry.message)

    def _receive(self, channel: str, data: bytes) -> None:
        try:
            path = self._paths.get(channel)
            if path is None:
                # Or it is of a namespace that is no longer here, and not given up yet.
                if channel.startswith(f"{self._wire.everyone}#"):
                    self._take_broadcast(channel, data)
            elif channel == self._wire.requests(path):
                self._take_request(path, data)
            else:
                self.questions.hear(read_plain(data))
        except (PacketError, UsageError, WireError) as error:
            text = "a message on the channel %.80r of %s is ignored: %s"
            self._foreign.warning(str(error), text, channel, self._broker.name, error)
        except Exception:
            log_fault("what a server of Node wants")

    def _take_broadcast(self, channel: str, data: bytes) -> None:
        said = read_broadcast(data)
        if not self._is_ours(said.uid):
            path = channel[len(self._wire.everyone) + 1 :].partition("#")[0]
            self._orders.broadcast(path, said)

    def _take_request(self, path: Path, data: bytes) -> None:
        request = read_plain(data)
        uid, number = request.get("uid"), request.get("requestId")
        if not self._is_ours(uid):
            self._orders.request(path, request)
        elif uid != self._uid and number is not None:
            self._respond(path, b'{"requestId":"%s","%s":true}' % (number.encode(), OURS.encode()))

    @staticmethod
    def _is_ours(uid: Any) -> bool:
        return isinstance(uid, str) and uid.startswith(f"{OURS}-")

    def _connected(self) -> None:
        self._is_connected = True
        _log.info("this server shares its clients with those of Node over %s", self._broker.name)

    def _lost(self, error: BaseException) -> None:
        if self._is_connected is not False:
            text = "this server cannot reach those of Node over %s (%s: %s); it tries again"
            _log.error(text, self._broker.name, type(error).__name__, error)
        self._is_connected = False

    def _given_up(self, entry: Entry, error: BaseException) -> None:
        self._outbox.give_up(entry)
        text = "a message of about %d bytes to servers of Node is given up: %s"
        _log.error(text, entry.size, error)


async def _guarded(
    question: Callable[[], Coroutine[Any, Any, None]], failed: Callable[[Exception], object]
) -> None:
    try:
        await question()
    except Exception as error:
        _log.warning("servers of Node could not be asked: %s", error)
        failed(error)


def _has_left() -> BrokerDown:
    return BrokerDown("this server has left the others")


def _unheard(is_full: bool) -> None:
    """The outbox and inbox of our own servers, which have as much to do, tell it."""
