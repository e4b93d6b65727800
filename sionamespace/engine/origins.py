"""`Origins`: whose pages may connect, and what their browsers are told (Fetch standard, "CORS")."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from sionamespace.engine.http import Fault, Request, RequestRefused
from sionamespace.engine.legacy import LegacySocket
from sionamespace.engine.proxies import forwards
from sionamespace.errors import ConfigurationError

__all__ = ["Origins"]

_log = logging.getLogger("sionamespace.engine")

_DEFAULT_PORTS = {"http": ":80", "https": ":443"}


class Origins:
    """The rule by which pages may connect: the option ``cors_allowed_origins``.

    A request that names no origin is not that of a page, and passes. Hosts are compared in lower
    case, and a port that is its scheme's own is as none.

    Args:
        allowed: None for the server's own, ``*`` for all, one, several, or a function of the
            origin (and the environ) that returns whether it may; an empty list leaves the matter
            to somebody else.
        credentials: whether browsers may send cookies from other origins.
        knows_proxies: whether the server has been told which proxies to believe.

    Raises:
        ConfigurationError: for an origin that no page has, and a function that cannot be asked.
    """

    def __init__(
        self,
        allowed: str | Iterable[str] | Callable[..., object] | None,
        credentials: bool,
        knows_proxies: bool,
    ) -> None:
        self._credentials = credentials
        self._knows_proxies = knows_proxies
        self._rule: Callable[[str, Mapping[str, Any]], object] | None = None
        self._listed: list[str] | None = None
        if callable(allowed):
            self._rule = _rule(allowed)
        elif allowed is not None:
            self._listed = list(map(_checked, [allowed] if isinstance(allowed, str) else allowed))
        self._are_checked = self._listed != []
        self._is_own_only = allowed is None

    def check(self, request: Request) -> None:
        """Let a request pass.

        Raises:
            RequestRefused: if it comes from a page that may not connect.
        """
        origin = request.origin
        if origin is None or not self._are_checked or self._allows(origin, request):
            return
        why = f"a page of {origin!r:.200} may not connect"
        if self._rule is None:
            allowed = self._allowed(request)
            why += f"; to allow it: Server(..., cors_allowed_origins={[*allowed, origin]!r:.500})"
        if self._is_own_only and not self._knows_proxies:
            why += _about_proxy(request.environ)
        raise RequestRefused(Fault.FORBIDDEN, why)

    def headers(self, request: Request, passed: bool) -> tuple[tuple[str, str], ...]:
        """What a browser is told with the answer to a request, which has passed `check` or not."""
        origin = request.environ.get("HTTP_ORIGIN")
        if origin is None or not passed or not self._are_checked:
            return ()
        headers = [("Access-Control-Allow-Origin", origin)]
        if self._credentials:
            headers.append(("Access-Control-Allow-Credentials", "true"))
        if request.method == "OPTIONS":
            headers.append(("Access-Control-Allow-Methods", "OPTIONS, GET, POST"))
            if "HTTP_ACCESS_CONTROL_REQUEST_HEADERS" in request.environ:
                asked = request.environ["HTTP_ACCESS_CONTROL_REQUEST_HEADERS"]
                headers.append(("Access-Control-Allow-Headers", asked))
        return tuple(headers)

    def vary(self, request: Request) -> tuple[str, ...]:
        """The headers of the request on which the answer depends."""
        is_plain = self._is_own_only and request.origin is None  # nothing is said of origins then
        return ("Origin",) if self._are_checked and not is_plain else ()

    def _allows(self, origin: str, request: Request) -> bool:
        origins = _meanings(origin, request)
        if self._rule is not None:
            return any([self._asks_rule(one, request.environ) for one in origins])
        allowed = self._allowed(request)
        return "*" in allowed or any(_normal(one) in allowed for one in origins)

    def _allowed(self, request: Request) -> list[str]:
        return [_own(request.environ)] if self._listed is None else self._listed

    def _asks_rule(self, origin: str, environ: Mapping[str, Any]) -> bool:
        assert self._rule is not None
        try:
            return _truth(self._rule(origin, environ))
        except Exception:
            _log.exception("cors_allowed_origins failed for %r, which may not connect", origin)
            return False


def _rule(function: Callable[..., object]) -> Callable[[str, Mapping[str, Any]], object]:
    """A function as one of an origin and an environ."""
    if inspect.iscoroutinefunction(function):
        raise ConfigurationError(
            f"cors_allowed_origins={function!r}: expected a plain function; it is asked before "
            "the request is answered"
        )
    try:
        signature = inspect.signature(function)
    except ValueError:  # of some that are written in C
        return lambda origin, environ: function(origin)
    for count in (2, 1):
        try:
            signature.bind(*[""] * count)
        except TypeError:
            continue
        return function if count == 2 else lambda origin, environ: function(origin)
    raise ConfigurationError(
        f"cors_allowed_origins={function!r}: expected a function of an origin (and an environ), "
        f"found {signature}"
    )


def _truth(answer: object) -> bool:
    if inspect.isawaitable(answer):
        raise TypeError("it returned something to await, expected True or False")
    return bool(answer)


def _checked(origin: object) -> str:
    """An origin of a list as it is compared."""
    if origin in ("*", "null"):
        return str(origin)
    found = _normal(origin.removesuffix("/")) if isinstance(origin, str) else ""
    scheme, mark, host = found.partition("://")
    if not (scheme and mark and host) or set("/?#@* ") & set(host):
        raise ConfigurationError(
            f"cors_allowed_origins: {origin!r:.200} is no origin; expected a scheme and a host, "
            "such as 'https://example.com' or 'http://localhost:3000', or '*' for all; what "
            "stands for several is a function of the origin"
        )
    return found


def _normal(origin: str) -> str:
    scheme, mark, host = origin.lower().partition("://")
    return scheme + mark + host.removesuffix(_DEFAULT_PORTS.get(scheme, ""))


def _meanings(origin: str, request: Request) -> list[str]:
    """What a request may mean by its origin.

    Clients up to 1.3 leave the scheme out, on Node; no browser does.
    """
    if "://" in origin or origin == "null" or request.query.get("EIO") != LegacySocket.revision:
        return [origin]
    return [f"{scheme}://{origin}" for scheme in _DEFAULT_PORTS]


def _own(environ: Mapping[str, Any]) -> str:
    """The server's own origin, as its clients call it; see `sionamespace.engine.proxies`."""
    return _normal(f"{environ['wsgi.url_scheme']}://{environ.get('HTTP_HOST', '')}")


def _about_proxy(environ: Mapping[str, Any]) -> str:
    """What may be wrong where the own origin of a request is not that of its page."""
    if not forwards(environ):
        return ""
    peer = environ.get("REMOTE_ADDR") or "unix"
    return f"; or, if {peer} is your own proxy: Server(..., trusted_proxies=[{peer!r}])"
