"""How ``make docs`` builds the pages of the folder above, with Sphinx.

To add a page, write it there in Markdown and name it in `NAVIGATION`; that is all. Its code is run
by the tests, which say what they ask of it (``tests/docs``).
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from pygments.lexers.special import TextLexer
from sphinx.application import Sphinx

SITE = Path(__file__).resolve().parent
ROOT = SITE.parents[1]
sys.path[:0] = [str(SITE), str(ROOT)]

import sionamespace  # noqa: E402

NAVIGATION = {
    "Guide": [
        "first-namespace",
        "events-and-answers",
        "rooms",
        "errors",
        "connections",
        "testing",
        "middleware",
        "payloads",
        "events",
        "contracts",
        "namespaces",
        "blocks",
        "background",
    ],
    "In production": [
        "deploying",
        "cluster",
        "brokers",
        "emitter",
        "node",
        "security",
        "troubleshooting",
        "deploy/eventlet",
        "deploy/gevent",
        "deploy/threads",
        "deploy/asyncio",
        "deploy/gunicorn",
        "deploy/workers",
        "deploy/sticky",
        "deploy/nginx",
        "compression",
        "msgpack",
    ],
    "Moving here": [
        "moving-from-python-socketio",
        "moving-from-flask-socketio",
        "moving-from-node",
    ],
    "Clients": [
        "clients",
        "compatibility",
        "engine",
    ],
    "Reference": [
        "reference/namespace",
        "reference/server",
        "reference/answers",
        "reference/errors",
        "reference/middleware",
        "reference/blocks",
        "reference/testing",
        "reference/cluster",
        "reference/rooms",
        "reference/types",
        "reference/engine",
        "reference/command",
    ],
}
"""The pages in the order in which they are read, by the heading that they stand under."""

project = "sionamespace"
version = release = sionamespace.__version__
copyright = "the authors of sionamespace"

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.viewcode",
    "sphinx_copybutton",
    "reference",
]
exclude_patterns = ["site"]

# Markdown, with the anchors that GitHub gives to headings.
myst_heading_anchors = 3

# The reference. A name in single backticks is a link, and one that leads nowhere an error.
default_role = "py:obj"
nitpicky = True
nitpick_ignore_regex = [
    ("py:class", ".*"),  # types in signatures, of which some are nobody's business
    ("py:exc", r".*\..*"),  # exceptions of others
    ("py:obj", r"sionamespace\.(\w+\.)*[A-Z]"),  # type variables
]
autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
autodoc_type_aliases = {"ASGIApplication": "ASGIApplication", "WSGIApplication": "WSGIApplication"}
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 80

# Nothing is loaded from elsewhere: no fonts, no scripts.
html_theme = "furo"
html_title = "sionamespace"
html_show_sphinx = False
html_show_sourcelink = False
html_copy_source = False
html_static_path = ["static"]
html_css_files = ["site.css"]
pygments_style = "friendly"
pygments_dark_style = "github-dark"


def setup(app: Sphinx) -> None:
    """Called by Sphinx."""
    app.connect("source-read", _complete)
    app.add_lexer("haproxy", TextLexer)  # Pygments has none for it


def _complete(app: Sphinx, page: str, text: list[str]) -> None:
    if page in _COMPLETED:
        text[0] = _COMPLETED[page](text[0])


def _with_navigation(text: str) -> str:
    """The index, with the way to all pages, which is nothing to read on GitHub."""
    for caption, pages in NAVIGATION.items():
        lines = ["```{toctree}", f":caption: {caption}", ":hidden:", "", *pages, "```"]
        text += "\n\n" + "\n".join(lines)
    return text


def _with_table_of_readme(text: str) -> str:
    """The page about clients, with the table that stands in the README."""
    section = (ROOT / "README.md").read_text().partition("\n## Clients\n\n")[2]
    shown, _, _ = section.partition("\n\nAll of them ")
    text = text.replace("](../README.md#clients)", "](#what-was-tried)")
    return f"{text}\n## What was tried\n\n{shown}\n"


def _with_help(text: str) -> str:
    """The page about the command, with what it says of itself."""
    commands = re.findall(r"^    (\w+)", _help(), re.M)
    for words in ([], *([command] for command in commands)):
        title = " ".join(["sionamespace", *words])
        text += f"\n## `{title}`\n\n```text\n{_help(*words)}```\n"
    return text


def _help(*words: str) -> str:
    command = [sys.executable, "-m", "sionamespace", *words, "--help"]
    environ = {**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "80"}
    return subprocess.run(command, env=environ, capture_output=True, text=True, check=True).stdout


_COMPLETED: dict[str, Callable[[str], str]] = {
    "index": _with_navigation,
    "clients": _with_table_of_readme,
    "reference/command": _with_help,
}
