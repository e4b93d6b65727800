"""An extension for Sphinx: docstrings as they are written here, names as users import them."""

from __future__ import annotations

import ast
import importlib
import re
from pathlib import Path
from typing import Any

import attrs
from docstrings import translated
from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.pycode import ModuleAnalyzer

from sionamespace import Options

PUBLIC = (
    "sionamespace",
    "sionamespace.testing",
    "sionamespace.blocks",
    "sionamespace.middleware",
    "sionamespace.engine",
    "sionamespace.types",
    "sionamespace.ports",
)
"""The modules that users import from; a name belongs to the first one that has it."""

_GIVEN = frozenset(
    [
        "Ack",
        "Answers",
        "Audience",
        "Broker",
        "BroadcastAck",
        "Call",
        "Client",
        "Clients",
        "ClusterNode",
        "Connection",
        "Emitted",
        "Event",
        "HarnessClient",
        "Health",
        "Members",
        "Options",
        "Pending",
        "Presence",
        "Reason",
        "Request",
        "RoomPolicy",
        "ServerAnswers",
        "ServerReport",
        "Servers",
    ]
)
"""Classes of which users make no instance themselves, so that it does not matter how."""

_REPRESENTATIONS = {
    r"TypeAliasForwardRef\('(\w+)'\)": r"\1",  # an alias of a type, in a union
    r"= <(\w+)>": r"= \1",
    r"= <[^>]+>": "= ...",
}
"""What Sphinx writes that is no Python, and what to write instead."""


def setup(app: Sphinx) -> dict[str, Any]:
    """Called by Sphinx."""
    app.connect("autodoc-process-docstring", _translate)
    app.connect("autodoc-process-signature", _shorten)
    app.connect("missing-reference", _find_public)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _translate(
    app: Sphinx, what: str, name: str, thing: object, options: object, lines: list[str]
) -> None:
    if what == "data":
        lines[:] = _docstring_of_value(name)
    if name.startswith("sionamespace.Options."):
        lines += _default_of_option(name.rpartition(".")[2])
    if _is_given(what, name) and "Args:" in lines:
        lines[:] = lines[: lines.index("Args:")]
    lines[:] = translated(lines)


def _is_given(what: str, name: str) -> bool:
    return what == "class" and name.rpartition(".")[2] in _GIVEN


def _docstring_of_value(name: str) -> list[str]:
    """What stands below a value where it is made, which is not where users import it from."""
    public, _, own = name.rpartition(".")
    source = ast.parse(Path(str(importlib.import_module(public).__file__)).read_text())
    imports = [node for node in source.body if isinstance(node, ast.ImportFrom)]
    found = (str(node.module) for node in imports if own in [alias.name for alias in node.names])
    documented = ModuleAnalyzer.for_module(next(found, public)).find_attr_docs()
    return documented["", own]


def _default_of_option(name: str) -> list[str]:
    default = getattr(attrs.fields(Options), name).default
    return ["", f"By default ``{default!r}``."]


def _shorten(
    app: Sphinx,
    what: str,
    name: str,
    thing: object,
    options: object,
    signature: str | None,
    returns: str | None,
) -> tuple[str | None, str | None]:
    if _is_given(what, name):
        return "", returns
    if what == "function" and isinstance(thing, type):  # one that is used as a function
        returns = "Any"
    for found, shown in _REPRESENTATIONS.items():
        signature = re.sub(found, shown, signature or "")
    return signature or None, returns


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
