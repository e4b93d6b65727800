"""The page about troubleshooting is found by the texts that users meet, so it has to quote them."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

import pytest

from sionamespace import Reason
from tests.docs.pages import DOCS, ROOT

HEADINGS = re.findall(r"^### (.+)$", (DOCS / "troubleshooting.md").read_text(), re.M)
QUOTED = [heading[1:-1] for heading in HEADINGS if heading.startswith("`")]
SOURCES = [*(ROOT / "sionamespace").rglob("*.py"), ROOT / "pytest_sionamespace.py"]


def texts() -> Iterator[str]:
    """The texts in the source, with ``...`` for what is put into them."""
    for source in SOURCES:
        for node in ast.walk(ast.parse(source.read_text())):
            if isinstance(node, ast.JoinedStr):
                parts = (getattr(part, "value", None) for part in node.values)
                yield "".join(part if isinstance(part, str) else "..." for part in parts)
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield re.sub(r"%\.?\d*[srdg]", "...", node.value)


TEXTS = [*texts(), *(text for name, text in vars(Reason).items() if name.isupper())]


def is_said(quoted: str) -> bool:
    """Whether a text of the source has the words of a quotation, in order."""
    words = [part.strip(" '`") for part in quoted.split("...")]
    pattern = re.compile(".*".join(map(re.escape, words)), re.DOTALL)
    return any(pattern.search(text) for text in TEXTS)


@pytest.mark.parametrize("quoted", QUOTED)
def test_what_it_quotes_is_said(quoted: str) -> None:
    assert is_said(quoted.removeprefix("refusing a request: "))


def test_most_of_its_symptoms_are_quoted() -> None:
    assert len(QUOTED) > 20
    assert not is_said("refusing ... because the moon is full")
