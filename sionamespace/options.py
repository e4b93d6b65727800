"""`Options`: what a `sionamespace.Server` can be told, with the defaults."""

from __future__ import annotations

import difflib
import ipaddress
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from typing import Any, TypeAlias

import attrs

from sionamespace.errors import ConfigurationError

__all__ = ["Options"]

Origins: TypeAlias = "str | Iterable[str] | Callable[..., bool] | None"

_ELSEWHERE = {
    "max_http_buffer_size": "it is called max_message_bytes here",
    "client_manager": "give a room manager as rooms=",
    "async_handlers": "the events of a client run in order; mark a handler @event(concurrent=True)",
    "always_connect": "emits made in on_connect follow the CONNECT packet by themselves",
    "namespaces": "the first argument, the routes, says which namespaces there are",
    "logger": "use logging.getLogger('sionamespace')",
    "engineio_logger": "use logging.getLogger('sionamespace.engine')",
    "monitor_clients": "clients are always monitored",
    "parser": "it is called serializer here: 'json' or 'msgpack'",
    "json": "JSON is encoded by msgspec",
    "path": "it is an argument of server.wsgi(app, path=...) and server.asgi(app, path=...)",
    "message_queue": "give the URL as rooms=",
    "manage_session": "a client's session is self.session(sid), and nothing of Flask's",
    "cors": "it is called cors_allowed_origins here",
    "adapter": "give a room manager, or the URL of a broker, as rooms=",
    "allowEIO3": "clients 1.x and 2.x may connect unless legacy_clients=False",
}
"""What users of python-socketio, Flask-SocketIO and socket.io know by another name."""


def _positive(instance: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not value > 0:
        raise ConfigurationError(f"{attribute.name}={value!r}: expected a number above 0")


def _bool(instance: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
    if not isinstance(value, bool):
        raise ConfigurationError(f"{attribute.name}={value!r:.60}: expected True or False")


def _size(instance: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not value >= 0:
        raise ConfigurationError(f"{attribute.name}={value!r:.60}: expected a number, 0 or more")


def _cookie(instance: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
    if value is not None and not isinstance(value, (str, Mapping)):
        raise ConfigurationError(
            f"cookie={value!r:.60}: expected the name of a cookie, such as 'io', or a dict of its "
            "attributes with a 'name'"
        )


def _origins(value: Origins) -> Origins:
    """As given, but several as a list, which can be looked at more than once."""
    if value is None or isinstance(value, str) or callable(value):
        return value
    with suppress(TypeError):
        return list(value)
    raise ConfigurationError(
        f"cors_allowed_origins={value!r}: expected '*', an origin such as 'https://example.com', "
        "a list of them, or a function"
    )


def _serializer(instance: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
    if value not in ("json", "msgpack"):
        raise ConfigurationError(f"serializer={value!r:.60}: expected 'json' or 'msgpack'")


def _proxies(value: Any) -> int | tuple[str, ...]:
    if value is None:
        return ()
    if isinstance(value, int) and not isinstance(value, bool) and value > 0:
        return value
    try:
        names = (value,) if isinstance(value, str) else tuple(value)
        for name in names:
            if name != "unix":
                ipaddress.ip_network(name if isinstance(name, str) else repr(name))
    except (TypeError, ValueError) as error:
        raise ConfigurationError(
            f"trusted_proxies={value!r:.200}: expected addresses or networks of proxies, such as "
            "['127.0.0.1', '10.0.0.0/8'], 'unix' for those on a Unix socket, or how many proxies "
            f"there are, whatever their addresses ({error})"
        ) from None
    return names


def _deflate(value: Any) -> int | None:
    if value is None or value is False:
        return None
    if value is True:
        return 1024
    if isinstance(value, int) and value > 0:
        return value
    raise ConfigurationError(
        f"per_message_deflate={value!r:.60}: expected True, False, or from how many bytes on"
    )


def _transports(value: Any) -> tuple[str, ...]:
    chosen: tuple[str, ...] = ()
    with suppress(TypeError):
        chosen = (value,) if isinstance(value, str) else tuple(value)
    if not chosen or any(one not in ("polling", "websocket") for one in chosen):
        raise ConfigurationError(
            f"transports={value!r}: expected 'polling', 'websocket', or a list of them"
        )
    return chosen


@attrs.frozen(kw_only=True)
class Options:
    """The options of a server. Times are in seconds, sizes in bytes.

    What happens past a limit: a client is closed with a reason that ``on_disconnect`` is given, or
    what it asked for is refused, and nobody else notices.
    """

    async_mode: str | None = None
    """How handlers run: ``eventlet``, ``gevent``, ``threads``, or ``asyncio`` (ASGI); None chooses
    what fits the process, never asyncio, and says so in the log."""
    worker_threads: int = attrs.field(default=64, validator=_positive)
    """Under asyncio, how many ``def`` handlers may run at once, each on a thread."""

    ping_interval: float = attrs.field(default=25, validator=_positive)
    """How often a client is asked whether it is still there."""
    ping_timeout: float = attrs.field(default=20, validator=_positive)
    """How long it may take to answer; past it: closed, ``ping timeout``."""
    connect_timeout: float = attrs.field(default=45, validator=_positive)
    """How long it may take to join a first namespace; past it: closed."""
    upgrade_timeout: float = attrs.field(default=10, validator=_positive)
    """How long an upgrade to WebSocket may take; past it: polling goes on."""
    max_message_bytes: int = attrs.field(default=1_000_000, validator=_positive)
    """The size of a frame, a polled payload, or a packet with its attachments; past it: closed,
    ``message too large``."""
    max_attachments: int = attrs.field(default=10, validator=_positive)
    """How many attachments a packet may have; past it: closed, ``parse error``."""
    max_outbox_bytes: int = attrs.field(default=1024 * 1024, validator=_positive)
    """How much may wait for a client; when more waits and something is sent: closed, ``slow
    consumer``. One packet may be larger."""
    max_inbox_bytes: int = attrs.field(default=16 * 1024 * 1024, validator=_positive)
    """How much of a client's events may wait for its handlers; past it: closed, ``flooding``."""
    max_namespaces: int = attrs.field(default=100, validator=_positive)
    """How many namespaces one connection may join; past it: refused."""
    max_dynamic_namespaces: int = attrs.field(default=10_000, validator=_positive)
    """How many namespaces with parameters, ``/rooms/{room_id}``, may be there at once, for all
    clients together; who comes for one more is refused."""

    serializer: str = attrs.field(default="json", validator=_serializer)
    """How packets are written: ``json``, which every client speaks by itself; or ``msgpack``, for
    clients with the parser of the npm package ``socket.io-msgpack-parser``, or of python-socketio's
    ``serializer="msgpack"``."""
    legacy_clients: bool = attrs.field(default=True, validator=_bool)
    """Whether JavaScript clients 1.x and 2.x may connect, which speak Engine.IO 3; with ``msgpack``
    they may not, as their parser of that name writes another form."""
    transports: tuple[str, ...] = attrs.field(
        default=("polling", "websocket"), converter=_transports
    )
    """The transports that a client may use."""
    allow_upgrades: bool = attrs.field(default=True, validator=_bool)
    """Whether a polling client is told that it may upgrade to WebSocket."""
    cors_allowed_origins: Origins = attrs.field(default=None, converter=_origins)
    """The origins that may connect: None for the server's own, ``*`` for all, one, a list (of all
    that may, also the server's own), or a function of the origin (and the environ) that returns a
    bool. An empty list leaves it to somebody else."""
    cors_credentials: bool = attrs.field(default=True, validator=_bool)
    """Whether browsers may send cookies from other origins."""
    trusted_proxies: int | tuple[str, ...] = attrs.field(default=(), converter=_proxies)
    """The proxies whose ``X-Forwarded-For``, ``-Proto`` and ``-Host`` are believed: addresses,
    networks, ``unix``, or how many there are. The headers of all others are ignored."""
    cookie: str | Mapping[str, Any] | None = attrs.field(default=None, validator=_cookie)
    """The name of a cookie with the session id, or its attributes with a ``name``, such as
    ``{"name": "io", "SameSite": "None", "Secure": True}``, for load balancers that go by it. It is
    set when a session begins by polling, with ``HttpOnly``, ``SameSite=Lax`` and ``Path=/`` unless
    the attributes say otherwise; one that is False is left out."""
    http_compression: bool = attrs.field(default=True, validator=_bool)
    """Whether polled responses are compressed for clients that take it."""
    compression_threshold: int = attrs.field(default=1024, validator=_size)
    """From how many bytes on they are."""

    per_message_deflate: int | None = attrs.field(default=None, converter=_deflate)
    """From how many bytes on a message of a WebSocket is compressed for clients that take it; True
    is 1024, False and None are never. Under ASGI it is the web server's matter, and `Server.run`
    only tells it whether."""

    middleware: Iterable[Any] = ()
    """What stands around the handlers of all namespaces, the first one outermost: a list of
    `Middleware`."""

    @property
    def speaks_legacy(self) -> bool:
        """Whether clients 1.x and 2.x may connect."""
        return self.legacy_clients and self.serializer == "json"

    @classmethod
    def parse(cls, options: Mapping[str, Any]) -> Options:
        """Options from keyword arguments.

        Raises:
            ConfigurationError: for an option that there is not, or a value that it cannot have.
        """
        known = [field.name for field in attrs.fields(cls)]
        for name in options:
            if name not in known:
                raise ConfigurationError(f"Server has no option {name!r}; {_hint(name, known)}")
        return cls(**options)


def _hint(name: str, known: list[str]) -> str:
    if name in _ELSEWHERE:
        return _ELSEWHERE[name]
    close = difflib.get_close_matches(name, known, n=1)
    return f"did you mean {close[0]!r}?" if close else f"there are: {', '.join(known)}"
