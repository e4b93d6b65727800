"""`Pattern`: a path with parameters, such as ``/rooms/{room_id}`` or ``/jobs/{job_id:int}``."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any
from urllib.parse import unquote

import attrs

from sionamespace.errors import ConfigurationError
from sionamespace.types import Path

__all__ = ["FORBIDDEN", "Pattern", "is_pattern"]

FORBIDDEN = frozenset(",? #\t\n\r\x1e")
"""Characters that end a path in a packet, or that no client can ask for."""

_LONGEST = 1000
"""Characters of a path that a pattern takes; clients choose it, and it is kept."""


@attrs.frozen
class _Kind:
    """A kind of parameter: the text that it takes, and the value that this becomes.

    Numbers and UUIDs are taken in one spelling only, so that one job is one namespace.
    """

    rank: int
    regex: str
    convert: Callable[[str], Any]


def _text(raw: str) -> str:
    return unquote(raw, errors="strict")


_KINDS = {
    "int": _Kind(1, "0|-?[1-9][0-9]*", int),
    "uuid": _Kind(2, "-".join(f"[0-9a-f]{{{digits}}}" for digits in (8, 4, 4, 4, 12)), uuid.UUID),
    "str": _Kind(3, "[^/]+", _text),
    "path": _Kind(4, ".+", _text),
}

_PARAMETER = re.compile(r"\{([^{}:]*)(?::([^{}]*))?\}")


def is_pattern(path: object) -> bool:
    """Whether a path to mount at has parameters."""
    return isinstance(path, str) and ("{" in path or "}" in path)


class Pattern:
    """A path whose segments may be parameters: ``{name}``, or ``{name:kind}``.

    The kinds are ``str`` (a segment, percent-decoded), ``int``, ``uuid`` (in lower case) and
    ``path`` (all that follows, slashes included).

    Args:
        path: what is written in the routes.

    Raises:
        ConfigurationError: if it is malformed.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._kinds: dict[str, _Kind] = {}
        segments = [self._segment(text) for text in path.split("/")[1:]]
        if any(rank == _KINDS["path"].rank for rank, _, _ in segments[:-1]):
            raise ConfigurationError(f"{path!r}: a parameter of the kind 'path' takes all that "
                                     "follows, so it comes last")  # fmt: skip
        self._regex = re.compile("".join(f"/{regex}" for _, _, regex in segments), re.DOTALL)
        self.order = tuple(rank for rank, _, _ in segments)
        """Sorts patterns: of two that match a path, the smaller one has it. From left to right,
        a fixed segment comes before a number, a UUID, any text, and all that follows."""
        self.shape = tuple((rank, text) for rank, text, _ in segments)
        """What is equal for two patterns that match the same paths."""

    @property
    def parameters(self) -> Mapping[str, str]:
        """The name of each parameter, and its kind."""
        names = {kind: name for name, kind in _KINDS.items()}
        return {parameter: names[kind] for parameter, kind in self._kinds.items()}

    def match(self, path: Path) -> Mapping[str, Any] | None:
        """The parameters in a path, converted; None if it does not match or convert."""
        if len(path) > _LONGEST or not FORBIDDEN.isdisjoint(path):
            return None
        found = self._regex.fullmatch(path)
        if found is None:
            return None
        try:
            values = {name: kind.convert(found[name]) for name, kind in self._kinds.items()}
        except ValueError:  # not UTF-8 when percent-decoded
            return None
        return MappingProxyType(values)

    def _segment(self, text: str) -> tuple[int, str, str]:
        """Rank, fixed text, and regular expression of one segment."""
        if not is_pattern(text):
            return 0, text, re.escape(text)
        parts = _PARAMETER.fullmatch(text)
        if parts is None:
            raise ConfigurationError(
                f"{self.path!r}: a parameter is a whole segment, such as '{{room_id}}' or "
                f"'{{job_id:int}}', not {text!r}"
            )
        name, kind = parts[1], parts[2] or "str"
        if not name.isidentifier() or not name.isascii() or name in self._kinds:
            raise ConfigurationError(
                f"{self.path!r}: {name!r} cannot name a parameter; write an identifier, each once"
            )
        if kind not in _KINDS:
            raise ConfigurationError(
                f"{self.path!r}: there is no kind {kind!r} of parameter; "
                f"there are: {', '.join(_KINDS)}"
            )
        self._kinds[name] = _KINDS[kind]
        return _KINDS[kind].rank, "", f"(?P<{name}>{_KINDS[kind].regex})"
