"""`UnixHub`: passes on what brokers on a Unix socket send to each other."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Iterable
from functools import partial

from sionamespace.brokers.unix_wire import Frame, FrameReader, Kind

__all__ = ["UnixHub"]

_log = logging.getLogger("sionamespace.cluster")

_MOST = 64 * 1024 * 1024
"""How many bytes may wait for a process that does not read them."""


class UnixHub:
    """Where the brokers of a machine's processes meet. It runs on one event loop."""

    def __init__(self) -> None:
        self._subscribers: dict[bytes, dict[_Member, None]] = {}
        self.members: set[_Member] = set()
        self._server: asyncio.Server | None = None

    async def serve(self, listener: socket.socket) -> None:
        """Let brokers in that connect to a listening Unix socket."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_unix_server(partial(_Member, self), sock=listener)

    async def close(self) -> None:
        """Let nobody in any more, and let go of those who are there."""
        if self._server is not None:
            self._server.close()
        for member in list(self.members):
            member.leave()
        while self.members:
            await asyncio.sleep(0)

    def obey(self, sender: _Member, frames: Iterable[Frame]) -> None:
        """Do what a member asks for."""
        receivers: dict[_Member, None] = {}
        for frame in frames:
            if frame.kind == Kind.MESSAGE:
                for member in self._subscribers.get(frame.channel, ()):
                    if member is not sender:
                        member.unsent.append(frame.raw)
                        receivers[member] = None
            elif frame.kind == Kind.SUBSCRIBE:
                sender.channels.add(frame.channel)
                self._subscribers.setdefault(frame.channel, {})[sender] = None
            elif frame.kind == Kind.UNSUBSCRIBE:
                self._unsubscribe(sender, frame.channel)
            else:
                sender.unsent.append(frame.raw)
                receivers[sender] = None
        for member in receivers:
            member.flush()

    def forget(self, member: _Member) -> None:
        """A member has gone."""
        self.members.discard(member)
        for channel in list(member.channels):
            self._unsubscribe(member, channel)

    def _unsubscribe(self, member: _Member, channel: bytes) -> None:
        member.channels.discard(channel)
        subscribers = self._subscribers.get(channel, {})
        subscribers.pop(member, None)
        if not subscribers:
            self._subscribers.pop(channel, None)


class _Member(asyncio.Protocol):
    """A process that is connected."""

    def __init__(self, hub: UnixHub) -> None:
        self.channels: set[bytes] = set()
        self.unsent: list[bytes] = []
        self._hub = hub
        self._reader = FrameReader()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._hub.members.add(self)

    def data_received(self, data: bytes) -> None:
        try:
            self._hub.obey(self, self._reader.feed(data))
        except ValueError as error:
            _log.error("what is connected to the workers' hub is no broker of ours: %s", error)
            self.leave()

    def connection_lost(self, error: Exception | None) -> None:
        self._hub.forget(self)

    def leave(self) -> None:
        """End the connection."""
        self._transport.abort()

    def flush(self) -> None:
        """Send what is unsent, unless too much waits for the process already."""
        data, self.unsent = b"".join(self.unsent), []
        if self._transport.is_closing():
            return
        self._transport.write(data)
        if self._transport.get_write_buffer_size() > _MOST:
            _log.error("a process reads nothing of what others send; it has to connect anew")
            self.leave()
