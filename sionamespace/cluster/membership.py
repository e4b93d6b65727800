"""`Membership`: one server's place among the others."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from contextvars import Context
from typing import Any

import attrs

from sionamespace.cluster.fresh import FreshRooms
from sionamespace.cluster.inbox import Inbox
from sionamespace.cluster.messages import (
    Answer,
    Asked,
    Beat,
    Bye,
    Found,
    Hello,
    Message,
    Question,
    Reply,
    Said,
)
from sionamespace.cluster.nodes import Nodes
from sionamespace.cluster.orders import Orders
from sionamespace.cluster.outbox import Entry, Outbox
from sionamespace.cluster.pump import Pump
from sionamespace.cluster.questions import UNHEARD, Questions, Waits
from sionamespace.cluster.stay import Stay
from sionamespace.cluster.wire import Wire, WireError
from sionamespace.errors import PacketError
from sionamespace.health import Health
from sionamespace.logs import FirstTimes
from sionamespace.ports import Broker, Local
from sionamespace.runtime.faults import log_fault
from sionamespace.runtime.pending import Pending

__all__ = ["Membership", "Settings"]

_log = logging.getLogger("sionamespace.cluster")


@attrs.frozen
class Settings:
    """What can be chosen of a cluster; see `sionamespace.cluster.ClusterRoomManager`."""

    heartbeat: float
    forget_after: float
    max_outbox_bytes: int
    max_inbox_bytes: int
    on_change: Callable[[Health], object] | None


class Membership:
    """Keeps a server connected to the others, and knows which of them are there.

    What it says may be said from any thread; what comes is dealt with on the cluster's event loop.

    Args:
        node: the name of the server.
    """

    def __init__(
        self,
        node: str,
        local: Local,
        broker: Broker,
        wire: Wire,
        outbox: Outbox,
        settings: Settings,
    ) -> None:
        self.node = node
        self.every = settings.heartbeat
        """After how many seconds it says again that it is there."""
        self._local = local
        self._broker = broker
        self._wire = wire
        self._outbox = outbox
        self._settings = settings
        self.nodes = Nodes(settings.forget_after, self._came, self._went)
        self._inbox = Inbox(local.runtime, settings.max_inbox_bytes, self._inbox_full)
        self.questions = Questions()
        self._orders = Orders(local, self._inbox, self._reply)
        self._pump = Pump(
            broker,
            outbox,
            self._write,
            self._receive,
            self._connected,
            self._lost,
            self._given_up,
            presence=self,
        )
        self._fresh = FreshRooms(_now)
        self._foreign = FirstTimes(_log)
        self._is_connected: bool | None = None
        self._since = time.time()
        self._hears_itself = False
        self._unheard_since: float | None = None
        self._hello_at = 0.0
        self._unknown: set[str] = set()
        """The servers that were asked and may not be there at all, as not all were heard yet."""
        self._stay = Stay(local.runtime, self._pump.run, self._left)

    # From any thread.

    def start(self) -> None:
        """Come to the others, or come back."""
        self._stay.start()

    def stop(self) -> Pending[Any] | None:
        """Say goodbye and go, after what waits was sent, if it can be sent now.

        What is returned is done when the server has left, if it was there.
        """
        leaving = self._stay.stop()
        self._pump.wake()
        return leaving

    def say(self, channel: str, message: Message) -> bool:
        """Send a message, as soon as that is possible; False if too many wait already."""
        return self._outbox.put(message, channel)

    def ask(
        self,
        question: Callable[[int], Question],
        waits: Waits,
        size: int = 0,
        node: str | None = None,
    ) -> None:
        """Send a question to those whom it concerns, and say who that is to those who wait.

        Args:
            question: makes it, of its number.
            size: about how many bytes it has.
            node: the one server that is asked; None for those that may have the clients.
        """
        asked = question(self.questions.add(waits))
        node = node or self._wire.only_node(asked)
        nodes = self.nodes.there if node is None else frozenset([node])
        waits.expect(*nodes)
        if node is None and not self.nodes.all_heard:
            waits.expect(UNHEARD)
        # To all, also to those that listen to nothing of what it is about: whoever has no such
        # client says so, and is not waited for.
        channel = self._wire.everyone if node is None else self._wire.node(node)
        if not self._stay.has_begun:
            waits.give_up("this server has left the others")
        elif not self._outbox.put(asked, channel, size):
            waits.give_up(f"{self._outbox.bytes} bytes wait for {self._broker.name} already")
        elif not self.nodes.all_heard:
            self._unknown.update(nodes - self.nodes.there)
        # By now all may have been heard, which those would not be told who wait since then.
        if self.nodes.all_heard:
            waits.drop(UNHEARD)
        for each in nodes:
            if not self.nodes.may_be_there(each):
                waits.lose(each)

    def health(self) -> Health:
        """How things are."""
        return Health(
            self.node,
            self._broker.name,
            bool(self._is_connected),
            self._since,
            self.nodes.there,
            self._outbox.bytes,
            self._outbox.refused + self._inbox.dropped,
        )

    # On the loop.

    def _left(self) -> None:
        self.nodes.clear()
        self.questions.give_up()
        self._set_connected(False)
        _log.info("server %s has left", self.node)

    def _connected(self) -> None:
        _log.info("server %s is connected to %s", self.node, self._broker.name)
        self._hello_at = _now()
        self.nodes.wait_anew(self._hello_at)
        self._set_connected(True)

    def _lost(self, error: BaseException) -> None:
        self.nodes.all_heard = False
        if self._is_connected is not False:
            _log.error(
                "server %s cannot reach the others over %s (%s: %s); it serves its own clients, "
                "and tries again",
                self.node,
                self._broker.name,
                type(error).__name__,
                error,
            )
            self._set_connected(False)

    def _given_up(self, entry: Entry, error: BaseException) -> None:
        self._outbox.give_up(entry)
        _log.error(
            "a message of about %d bytes is given up, as %s does not take it: %s",
            entry.size,
            self._broker.name,
            error,
        )

    def _write(self, entry: Entry) -> tuple[str, bytes] | None:
        channel = entry.channel or self._fresh.channel(self._wire, entry.message, self.node)
        if channel is None:  # only clients of this server are meant
            return None
        return channel, self._wire.write(self.node, entry.number, entry.message)

    def _receive(self, channel: str, data: bytes) -> None:
        if not self._broker.filters and channel not in self._outbox.wanted:
            return
        if self._wire.is_of(data, self.node):
            self._hears_itself, self._unheard_since = True, None
            return
        try:
            received = self._wire.read(channel, data)
            number = None if isinstance(received.message, Hello | Beat) else received.number
            if self.nodes.hear(received.node, number, _now()):
                self._take(received.node, received.message)
        except (PacketError, WireError) as error:
            text = "a message on the channel %.80r of %s is ignored: %s"
            self._foreign.warning(str(error), text, channel, self._broker.name, error)
        except Exception:
            log_fault("what another server wants")

    def _take(self, node: str, message: Message) -> None:
        if isinstance(message, Beat) and not message.ready:
            return  # it lives, and is not back yet
        if isinstance(message, Hello | Beat):
            self.nodes.meet(node)
            if self._pump.holds:
                self._pump.wake()
            if isinstance(message, Hello):
                self.say(self._wire.node(node), Beat())
        elif isinstance(message, Bye):
            self.nodes.forget(node)
            if self._pump.holds:
                self._pump.wake()
        elif isinstance(message, Found | Asked | Answer | Said):
            self.questions.hear(node, message)
        else:
            self._orders.carry_out(node, message)

    def _reply(self, node: str, reply: Reply, size: int) -> None:
        self._outbox.put(reply, self._wire.node(node), size)

    # What the pump says of this server.

    def opening(self) -> None:
        """What comes from here on comes by a new connection."""
        self._hears_itself, self._unheard_since = False, None
        self.nodes.cut_off()

    def greeting(self) -> Entry:
        """What a server says when it comes, or comes back; whoever hears it answers."""
        return Entry(Hello(), self._wire.everyone, 0)

    def farewell(self) -> Entry:
        """What it says when it leaves."""
        return Entry(Bye(), self._wire.everyone, 0)

    def is_complete(self) -> bool:
        """Whether all are back who were there."""
        return self.nodes.all_met()

    def beat(self, late: float, ready: bool) -> Entry:
        """What it says again and again; and by now others may have gone."""
        if late > self._settings.heartbeat:
            # This process stood still, and what was said meanwhile is yet to be read.
            self._unheard_since = None
            self.nodes.wait_anew(_now())
        elif ready and not self._pump.holds:
            self._look_around(_now())
        return Entry(Beat(ready), self._wire.everyone, 0)

    def beaten(self) -> None:
        """That was published: on an engine where all hear themselves it comes back."""
        if self._hears_itself and self._unheard_since is None:
            self._unheard_since = _now()

    def _look_around(self, now: float) -> None:
        deaf_for = 0.0 if self._unheard_since is None else now - self._unheard_since
        if deaf_for > self._settings.forget_after:
            self._pump.break_off(TimeoutError(f"nothing was heard for {deaf_for:.1f} s"))
        if deaf_for > 2 * self._settings.heartbeat:
            return  # whoever is not heard now may be there all the same
        self.nodes.forget_silent(now)
        if not self.nodes.all_heard and now - self._hello_at >= self._settings.heartbeat:
            self.nodes.all_heard = True  # who was there has answered the Hello by now
            unknown, self._unknown = self._unknown, set()
            for name in unknown - self.nodes.there:
                self.questions.lose(name)
            self.questions.all_heard()

    def _came(self, node: str) -> None:
        _log.info("server %s has come", node)
        self._local.server_came(node)
        self._changed()

    def _went(self, node: str) -> None:
        _log.info("server %s has gone", node)
        self.questions.lose(node)
        self._local.server_went(node)
        self._changed()

    # Changes.

    def outbox_full(self, is_full: bool) -> None:
        """Told when a message did not find room, and when there is room again."""
        if is_full:
            _log.error(
                "%d bytes wait for %s, and what is sent now to other servers is lost",
                self._outbox.bytes,
                self._broker.name,
            )
        self._changed()

    def _inbox_full(self, is_full: bool) -> None:
        if is_full:
            _log.error(
                "more comes from other servers than this one delivers; %d bytes wait, and what "
                "comes now is dropped",
                self._settings.max_inbox_bytes,
            )
        self._changed()

    def _set_connected(self, connected: bool) -> None:
        self._is_connected, self._since = connected, time.time()
        self._changed()

    def _changed(self) -> None:
        if self._settings.on_change is not None:
            Context().run(self._local.runtime.spawn, self._settings.on_change, self.health())


def _now() -> float:
    """The time on the cluster's loop."""
    return asyncio.get_running_loop().time()
