"""NATS, by a subject for each channel."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from nats.aio.client import Client
from nats.aio.subscription import Subscription

from sionamespace.brokers.address import Address
from sionamespace.brokers.parts import Parts
from sionamespace.brokers.remote import (
    ASK_EVERY,
    PATIENCE,
    SILENCE,
    Batch,
    Lost,
    Receive,
    RemoteBroker,
)
from sionamespace.brokers.short_names import short_name
from sionamespace.brokers.tls import tls_context
from sionamespace.errors import ConfigurationError

__all__ = ["NatsBroker"]

PORT = 4222


class NatsBroker(RemoteBroker):
    """Carries messages over NATS, by subjects named ``sionamespace.<hash of the channel>``.

    A message that is larger than the server's ``max_payload`` is sent in parts. What is published
    while a node's connection is away does not reach it.

    Args:
        url: ``nats://username:password@host:port,host:port``, ``nats://token@...``, or with TLS
            ``nats+tls://...``. A query may hold ``cafile``, ``certfile`` and ``keyfile`` for TLS,
            and ``credentials``, a file of NATS' own.

    Raises:
        ConfigurationError: the URL says what cannot be.
    """

    def __init__(self, url: str) -> None:
        address = Address.parse(url, PORT)
        super().__init__(address.name)
        self._options = _options(address)

    def _new_session(self, receive: Receive, lost: Lost) -> _Session:
        return _Session(self._options, receive, lost)


def _options(address: Address) -> dict[str, Any]:
    """How to connect, in the words of the package; nothing is tried again behind our back."""
    tls = tls_context(address, address.scheme == "nats+tls")
    credentials = address.options.pop("credentials", None)
    if address.options or address.path:
        raise ConfigurationError(
            f"{address.name}: {[*address.options] or address.path!r} is not known; expected no "
            "path, and of options only cafile, certfile, keyfile and credentials"
        )
    is_token = address.password is None
    return {
        "servers": [f"nats://{_quoted(host)}:{port}" for host, port in address.hosts],
        "user": None if is_token else address.username,
        "password": address.password,
        "token": address.username if is_token else None,
        "user_credentials": credentials,
        "tls": tls,
        "allow_reconnect": False,
        "max_reconnect_attempts": 1,
        "reconnect_time_wait": 0,
        "connect_timeout": PATIENCE,
        "ping_interval": ASK_EVERY,
        "max_outstanding_pings": 2,
    }


def _quoted(host: str) -> str:
    return f"[{host}]" if ":" in host else host


class _Client(Client):
    """Hands messages on as they are read.

    The package would do it by a task for each subscription, in whatever order they run: then an
    emit to a room could overtake an earlier one to everybody.
    """

    def __init__(self, take: Receive) -> None:
        super().__init__()
        self._take = take

    async def _process_msg(
        self, sid: int, subject: bytes, reply: bytes, data: bytes, headers: bytes
    ) -> None:
        if sid in self._subs:
            self._take(subject.decode(), data)


class _Session:
    """One connection, to publish and to receive."""

    def __init__(self, options: dict[str, Any], receive: Receive, lost: Lost) -> None:
        self._options = options
        self._receive = receive
        self._lost = lost
        self._client = _Client(self._take)
        self._parts = Parts()
        self._channels: dict[str, tuple[str, Subscription]] = {}
        self._error: Exception | None = None

    async def open(self) -> None:
        try:
            await self._client.connect(error_cb=self._fail, closed_cb=self._closed, **self._options)
        except Exception as error:
            raise self._error or error from None  # the first says more

    async def publish(self, batch: Batch) -> None:
        limit = self._client.max_payload
        for channel, message in batch:
            for piece in self._parts.split(message, limit):
                await self._client.publish(_subject(channel), piece)
        await self._settle()

    async def subscribe(self, channels: Sequence[str]) -> None:
        for channel in channels:
            subject = _subject(channel)
            if subject not in self._channels:
                subscription = await self._client.subscribe(subject)
                self._channels[subject] = (channel, subscription)
        await self._settle()

    async def unsubscribe(self, channels: Sequence[str]) -> None:
        for channel in channels:
            _, subscription = self._channels.pop(_subject(channel), (None, None))
            if subscription is not None:
                await subscription.unsubscribe()
        await self._settle()

    async def close(self) -> None:
        await self._client.close()

    async def _settle(self) -> None:
        """Until the server has taken all that was sent to it, and refused none of it."""
        await self._client.flush(int(SILENCE))
        if self._error is not None:
            raise self._error

    def _take(self, subject: str, piece: bytes) -> None:
        if subject in self._channels:
            channel, _ = self._channels[subject]
            with suppress(ValueError):  # somebody else's
                if (message := self._parts.join(channel, piece)) is not None:
                    self._receive(channel, message)

    async def _fail(self, error: Exception) -> None:
        self._error = error
        if self._client.is_connected:
            self._lost(error)

    async def _closed(self) -> None:
        self._lost(self._error or ConnectionError("the server has closed the connection"))


def _subject(channel: str) -> str:
    return f"sionamespace.{short_name(channel)}"
