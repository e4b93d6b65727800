"""`Router`: which namespace stands at which path. It knows nothing of the engine."""

from __future__ import annotations

import bisect
import inspect
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any, TypeAlias

import attrs

from sionamespace.errors import ConfigurationError
from sionamespace.namespace import Namespace
from sionamespace.patterns import FORBIDDEN, Pattern, is_pattern
from sionamespace.types import Path

__all__ = ["PatternRoute", "Router", "Routes"]

Mountable: TypeAlias = "Namespace | type[Namespace] | partial[Namespace]"

Routes: TypeAlias = "Mapping[Path, Mountable]"


@attrs.frozen
class PatternRoute:
    """A pattern, and what makes a namespace for a path that it matches."""

    pattern: Pattern
    make: Callable[[], Namespace]

    @property
    def namespace(self) -> type[Namespace]:
        """The class of what is made."""
        made: Any = self.make.func if isinstance(self.make, partial) else self.make
        found: type[Namespace] = made
        return found


class Router:
    """Maps paths to namespaces, and patterns of paths to classes of them.

    Args:
        routes: paths and namespaces, as for `mount`.

    Raises:
        ConfigurationError: as `mount`, and for what is no mapping.
    """

    def __init__(self, routes: Routes | None = None) -> None:
        self._namespaces: dict[Path, Namespace] = {}
        self._patterns: list[PatternRoute] = []
        self._frozen = False
        for path, namespace in _checked(routes).items():
            self.mount(path, namespace)

    def mount(self, path: Path, namespace: Mountable) -> Namespace | None:
        """Put a namespace at a path, and return its instance; a class is instantiated.

        At a path with parameters, ``/rooms/{room_id}`` or ``/jobs/{job_id:int}``, each path that
        clients ask for gets an instance of its own, of the class (or of a ``functools.partial`` of
        it, if it takes arguments); then None is returned. A fixed path wins over a pattern, and of
        two patterns the one that is fixed, or a number, further to the left.

        Raises:
            ConfigurationError: for a path that is taken or malformed, for something that is not a
                namespace, or when a server already serves the router.
        """
        if self._frozen:
            raise ConfigurationError(f"mount {path!r} before the router is given to a Server")
        _check_path(path)
        if is_pattern(path):
            self._mount_pattern(PatternRoute(Pattern(path), _factory(path, namespace)))
            return None
        if path in self._namespaces:
            taken = type(self._namespaces[path]).__name__
            raise ConfigurationError(
                f"the path {path!r} is taken by {taken}; one path, one namespace"
            )
        instance = _instance(path, namespace)
        self._namespaces[path] = instance
        return instance

    def find(self, path: Path) -> Namespace | None:
        """The namespace at a fixed path, or None."""
        return self._namespaces.get(path)

    def match(self, path: Path) -> tuple[PatternRoute, Mapping[str, Any]] | None:
        """The pattern that has a path, and the parameters in it; None if there is none."""
        for route in self._patterns:
            params = route.pattern.match(path)
            if params is not None:
                return route, params
        return None

    @property
    def patterns(self) -> tuple[PatternRoute, ...]:
        """The patterns, in the order in which they are tried."""
        return tuple(self._patterns)

    @property
    def paths(self) -> list[Path]:
        """All paths, as they were mounted; the patterns last."""
        return [*self._namespaces, *(route.pattern.path for route in self._patterns)]

    @property
    def classes(self) -> list[tuple[Path, type[Namespace]]]:
        """What stands at each of these paths, as a class."""
        fixed: list[tuple[Path, type[Namespace]]] = [(path, type(each)) for path, each in self]
        return fixed + [(route.pattern.path, route.namespace) for route in self._patterns]

    def freeze(self) -> None:
        """Allow no more mounting; a server does this when it takes the router."""
        self._frozen = True

    def __iter__(self) -> Iterator[tuple[Path, Namespace]]:
        """The fixed paths and their namespaces."""
        return iter(list(self._namespaces.items()))

    def __len__(self) -> int:
        return len(self._namespaces) + len(self._patterns)

    def _mount_pattern(self, route: PatternRoute) -> None:
        for other in self._patterns:
            if other.pattern.shape == route.pattern.shape:
                raise ConfigurationError(
                    f"{route.pattern.path!r} matches the same paths as {other.pattern.path!r}, "
                    f"which is taken by {other.namespace.__name__}; one path, one namespace"
                )
        bisect.insort(self._patterns, route, key=lambda each: each.pattern.order)


def _checked(routes: Any) -> Routes:
    if routes is None or isinstance(routes, Mapping):
        return routes or {}
    raise ConfigurationError(
        f"routes are namespaces by their paths, such as {{'/chat': Chat()}}, not {routes!r:.80}"
    )


def _check_path(path: Path) -> None:
    if not isinstance(path, str) or not path.startswith("/"):
        raise ConfigurationError(f"a namespace's path is a text that begins with '/', not {path!r}")
    if not FORBIDDEN.isdisjoint(path):
        raise ConfigurationError(
            f"the path {path!r} has a comma, question mark, '#', white space or U+001E"
        )
    if path != "/" and path.endswith("/"):
        raise ConfigurationError(f"the path {path!r} ends with '/'; write {path.rstrip('/')!r}")


def _is_class(thing: object) -> bool:
    return isinstance(thing, type) and issubclass(thing, Namespace)


def _instance(path: Path, namespace: Any) -> Namespace:
    if isinstance(namespace, Namespace):
        return namespace
    if _is_class(namespace):
        try:
            made: Namespace = namespace()
        except TypeError as error:
            name = namespace.__name__
            raise ConfigurationError(
                f"{name} at {path!r} cannot be made without arguments ({error}); "
                f"mount an instance, {path!r}: {name}(...)"
            ) from error
        return made
    raise ConfigurationError(
        f"{path!r} needs a subclass of Namespace, or an instance of one, not {namespace!r:.80}"
    )


def _factory(path: Path, namespace: Any) -> Callable[[], Namespace]:
    """What makes the namespaces of a pattern."""
    if isinstance(namespace, Namespace):
        name = type(namespace).__name__
        raise ConfigurationError(
            f"{path!r} has parameters, so each path gets an instance of its own: mount the class, "
            f"{name}, not an instance of it; if it takes arguments, functools.partial({name}, ...)"
        )
    made = namespace.func if isinstance(namespace, partial) else namespace
    if not _is_class(made):
        raise ConfigurationError(f"{path!r} needs a subclass of Namespace, not {namespace!r:.80}")
    try:
        inspect.signature(namespace).bind()
    except TypeError as error:
        raise ConfigurationError(
            f"{made.__name__} at {path!r} cannot be made without arguments ({error}); "
            f"mount functools.partial({made.__name__}, ...)"
        ) from error
    factory: Callable[[], Namespace] = namespace
    return factory
