"""An extension for Sphinx: docstrings as they are written here, names as users import them."""

from __future__ import annotations

import importlib
import re
from typing import Any

from docstrings import translated
from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment

PUBLIC = (
    "sionamespace",
    "sionamespace.testing",
    "sionamespace.testing.contract",
    "sionamespace.blocks",
    "sionamespace.middleware",
    "sionamespace.engine",
    "sionamespace.types",
    "sionamespace.cluster",
    "sionamespace.rooms.health",
)
"""The modules that users import from; a name belongs to the first one that has it."""

_GIVEN = frozenset(
    [
        "Ack",
        "Answers",
        "Audience",
        "BroadcastAck",
        "Call",
        "Client",
        "Connection",
        "Emitted",
        "Event",
        "HarnessClient",
        "Options",
        "Pending",
        "Reason",
        "Request",
    ]
)
"""Classes of which users make no instance themselves, so that it does not matter how."""

_ALIAS = re.compile(r"TypeAliasForwardRef\('(\w+)'\)")
"""How Sphinx writes an alias of a type in a union."""


def setup(app: Sphinx) -> dict[str, Any]:
    """Called by Sphinx."""
    app.connect("autodoc-process-docstring", _translate)
    app.connect("autodoc-process-signature", _shorten)
    app.connect("missing-reference", _find_public)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _translate(
    app: Sphinx, what: str, name: str, thing: object, options: object, lines: list[str]
) -> None:
    lines[:] = translated(lines)


def _shorten(
    app: Sphinx,
    what: str,
    name: str,
    thing: object,
    options: object,
    signature: str | None,
    returns: str | None,
) -> tuple[str | None, str | None]:
    if what == "class" and name.rpartition(".")[2] in _GIVEN:
        return "", returns
    return _ALIAS.sub(r"\1", signature or "") or None, returns


def _find_public(
    app: Sphinx, env: BuildEnvironment, node: pending_xref, content: nodes.Element
) -> nodes.Element | None:
    """What a name means that is not that of an entry: the module where it is made, or none at all.

    So ``sionamespace.acks.Ack``, of a signature, and `Ack`, in any docstring, are
    ``sionamespace.Ack``.
    """
    if node.get("refdomain") != "py":
        return None
    target = node["reftarget"]
    domain = env.domains["py"]
    for name in (_home(target), *(f"{module}.{target}" for module in PUBLIC)):
        if name and name in domain.objects:  # type: ignore[attr-defined]
            node["reftarget"] = name
            break
    else:
        return None
    return domain.resolve_xref(env, node["refdoc"], app.builder, "obj", name, node, content)


def _home(target: str) -> str | None:
    """The public name of what is known by the name of the module where it is made."""
    module_name, _, name = target.rpartition(".")
    for public in PUBLIC:
        module = importlib.import_module(public)
        found = getattr(module, name.split(".")[0], None)
        if name in module.__all__ and getattr(found, "__module__", None) == module_name:
            return f"{public}.{name}"
    return None
