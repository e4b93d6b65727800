"""`Router`: which namespace stands at which path. It knows nothing of the engine."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TypeAlias

from sionamespace.errors import ConfigurationError
from sionamespace.namespace import Namespace
from sionamespace.types import Path

__all__ = ["Router", "Routes"]

Routes: TypeAlias = "Mapping[Path, Namespace | type[Namespace]]"

_FORBIDDEN = frozenset(",? #\t\n\r\x1e")
"""Characters that end a path in a packet, or that no client can ask for."""


class Router:
    """Maps paths to namespaces.

    Args:
        routes: paths and namespaces, as for `mount`.
    """

    def __init__(self, routes: Routes | None = None) -> None:
        self._namespaces: dict[Path, Namespace] = {}
        self._frozen = False
        for path, namespace in (routes or {}).items():
            self.mount(path, namespace)

    def mount(self, path: Path, namespace: Namespace | type[Namespace]) -> Namespace:
        """Put a namespace at a path, and return its instance; a class is instantiated.

        Raises:
            ConfigurationError: for a path that is taken or malformed, for something that is not a
                namespace, or when a server already serves the router.
        """
        if self._frozen:
            raise ConfigurationError(f"mount {path!r} before the router is given to a Server")
        _check_path(path)
        if path in self._namespaces:
            taken = type(self._namespaces[path]).__name__
            raise ConfigurationError(
                f"the path {path!r} is taken by {taken}; one path, one namespace"
            )
        instance = _instance(path, namespace)
        self._namespaces[path] = instance
        return instance

    def find(self, path: Path) -> Namespace | None:
        """The namespace at a path, or None."""
        return self._namespaces.get(path)

    def freeze(self) -> None:
        """Allow no more mounting; a server does this when it takes the router."""
        self._frozen = True

    def __iter__(self) -> Iterator[tuple[Path, Namespace]]:
        return iter(list(self._namespaces.items()))

    def __len__(self) -> int:
        return len(self._namespaces)


def _check_path(path: Path) -> None:
    if not isinstance(path, str) or not path.startswith("/"):
        raise ConfigurationError(f"a namespace's path is a text that begins with '/', not {path!r}")
    if not _FORBIDDEN.isdisjoint(path):
        raise ConfigurationError(
            f"the path {path!r} has a comma, question mark, '#', white space or U+001E"
        )
    if path != "/" and path.endswith("/"):
        raise ConfigurationError(f"the path {path!r} ends with '/'; write {path.rstrip('/')!r}")


def _instance(path: Path, namespace: Namespace | type[Namespace]) -> Namespace:
    if isinstance(namespace, Namespace):
        return namespace
    if isinstance(namespace, type) and issubclass(namespace, Namespace):
        try:
            return namespace()
        except TypeError as error:
            name = namespace.__name__
            raise ConfigurationError(
                f"{name} at {path!r} cannot be made without arguments ({error}); "
                f"mount an instance, {path!r}: {name}(...)"
            ) from error
    raise ConfigurationError(
        f"{path!r} needs a subclass of Namespace, or an instance of one, not {namespace!r:.80}"
    )
