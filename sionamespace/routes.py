"""What `sionamespace routes` prints: namespaces, events, handlers, and where they are."""

from __future__ import annotations

import inspect
import os
from collections.abc import Iterator

import attrs

from sionamespace.handlers.spec import HandlerSpec
from sionamespace.namespace import Namespace
from sionamespace.router import Router
from sionamespace.types import Path

__all__ = ["Route", "routes_of", "table"]


@attrs.frozen
class Route:
    """One line of the table: an event of a namespace, and its handler.

    ``event`` is None for ``on_connect`` and ``on_disconnect``, which no client can call, and so is
    all about the handler for a namespace that has none. ``kind`` is ``def`` or ``async def``,
    ``arguments`` what the client sends, as the signature has it.
    """

    path: Path
    namespace: str
    event: str | None = None
    handler: str | None = None
    kind: str | None = None
    arguments: str | None = None
    source: str | None = None


def routes_of(router: Router) -> list[Route]:
    """The routes of a server, in the order of its paths, those with parameters last."""
    return [route for path, cls in router.classes for route in _of_class(path, cls)]


def table(routes: list[Route]) -> str:
    """The routes as aligned text, with sources relative to the working directory."""
    rows = [("NAMESPACE", "CLASS", "EVENT", "HANDLER", "SOURCE")]
    rows += [_row(route) for route in routes]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)
    return "\n".join(lines)


def _of_class(path: Path, cls: type[Namespace]) -> Iterator[Route]:
    table = cls.handlers
    lifecycle = [spec for spec in (table.connect, table.disconnect) if spec is not None]
    if not lifecycle and not table.events:
        yield Route(path, cls.__qualname__)
    for spec in lifecycle:
        yield _route(path, cls, spec, None, 0)
    for spec in table.events.values():
        yield _route(path, cls, spec, spec.event, spec.given)


def _route(
    path: Path, cls: type[Namespace], spec: HandlerSpec, event: str | None, given: int
) -> Route:
    kind = "async def" if spec.is_async else "def"
    arguments = _arguments(cls, spec.method, given)
    return Route(path, cls.__qualname__, event, spec.method, kind, arguments, spec.source)


def _arguments(cls: type[Namespace], method: str, given: int) -> str:
    """The signature of a method, less what the framework gives: self, the sid, the event."""
    signature = inspect.signature(getattr(cls, method))
    static = isinstance(inspect.getattr_static(cls, method), (staticmethod, classmethod))
    parameters = list(signature.parameters.values())
    left = given if static else given + 1
    while left and parameters and parameters[0].kind is not inspect.Parameter.VAR_POSITIONAL:
        left, parameters = left - 1, parameters[1:]
    plain = [each.replace(annotation=_plain(each.annotation)) for each in parameters]
    returns = _plain(signature.return_annotation)
    return str(signature.replace(parameters=plain, return_annotation=returns))


class _Plain(str):
    """An annotation that is a text, as under ``from __future__ import annotations``."""

    __repr__ = str.__str__


def _plain(annotation: object) -> object:
    return _Plain(annotation) if isinstance(annotation, str) else annotation


def _row(route: Route) -> tuple[str, str, str, str, str]:
    if route.handler is None or route.source is None:
        return route.path, route.namespace, "", "(no handlers)", ""
    handler = f"{route.kind} {route.handler}{route.arguments}"
    event = route.event or f"({route.handler.removeprefix('on_')})"
    return route.path, route.namespace, event, handler, _relative(route.source)


def _relative(source: str) -> str:
    shorter = os.path.relpath(source)
    return source if shorter.startswith(os.pardir) else shorter
