"""`SessionCookie`: a cookie with the id of a session, for load balancers that are sticky by it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from sionamespace.errors import ConfigurationError

__all__ = ["SessionCookie"]

Value: TypeAlias = "str | int | bool | None"

_NAMES = {
    name.replace("-", "").lower(): name
    for name in (
        "Path",
        "Domain",
        "Max-Age",
        "Expires",
        "Secure",
        "HttpOnly",
        "SameSite",
        "Partitioned",
        "Priority",
    )
}
_DEFAULTS: dict[str, Value] = {"Path": "/", "HttpOnly": True, "SameSite": "Lax"}
_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_UNSAFE = re.compile(r"[;\x00-\x1f\x7f-\U0010ffff]")


class SessionCookie:
    """A cookie that is set when a session begins by polling (RFC 6265, section 4.1).

    Pages cannot read it (``HttpOnly``), other sites' requests do not bring it (``SameSite=Lax``)
    and its path is ``/``, unless attributes say something else. They may be written as in
    JavaScript (``httpOnly``, ``maxAge`` in seconds); one that is False or None is left out, and one
    that is a function is asked for each cookie.

    Args:
        option: its name, or its attributes with a ``name``.

    Raises:
        ConfigurationError: for a name or an attribute that a cookie cannot have.
    """

    def __init__(self, option: str | Mapping[str, Any]) -> None:
        given = {"name": option} if isinstance(option, str) else dict(option)
        self._name = _checked_name(given.pop("name", "io"))
        self._attributes: dict[str, Value | Callable[[], Value]] = {
            **_DEFAULTS,
            **{_attribute(name): value for name, value in given.items()},
        }
        self._check()

    def header(self, sid: str) -> tuple[str, str]:
        """The header that sets it for a session."""
        parts = [f"{self._name}={sid}"]
        for name, value in self._attributes.items():
            parts += _written(name, value() if callable(value) else value)
        return "Set-Cookie", "; ".join(parts)

    def _check(self) -> None:
        for name, value in self._attributes.items():
            if not callable(value):
                _written(name, value)
        if self._attributes["SameSite"] in ("None", "none") and not self._attributes.get("Secure"):
            raise ConfigurationError(
                "cookie: browsers drop one with SameSite=None that is not Secure; add Secure=True"
            )


def _checked_name(name: Any) -> str:
    if not isinstance(name, str) or not _TOKEN.fullmatch(name):
        raise ConfigurationError(
            f"cookie: {name!r:.60} is no name of a cookie; expected letters, digits, - and _"
        )
    return name


def _attribute(name: Any) -> str:
    """The name of an attribute as it is written in a header."""
    known = _NAMES.get(re.sub("[-_]", "", str(name)).lower())
    if known is None:
        raise ConfigurationError(
            f"cookie: a cookie has no attribute {name!r:.60}; there are: name, "
            + ", ".join(_NAMES.values())
        )
    return known


def _written(name: str, value: Value) -> list[str]:
    if value is None or value is False:
        return []
    if value is True:
        return [name]
    if not isinstance(value, (str, int)) or _UNSAFE.search(str(value)):
        raise ConfigurationError(
            f"cookie: {name}={value!r:.60} cannot be written in a header; expected a text or a "
            "number, or True or False"
        )
    return [f"{name}={value}"]
