"""The vectors of the unit tests are what the installed official parsers say."""

from __future__ import annotations

import json
from typing import Any

import pytest
from child import HERE, Node

VECTORS = HERE.parent / "unit" / "protocol" / "vectors"


@pytest.mark.parametrize(
    ("script", "file"),
    [("make.js", "v5.json"), ("make_legacy.js", "v4.json"), ("make_msgpack.js", "msgpack.json")],
)
def test_the_vectors_are_what_the_installed_parsers_make(
    node: Node, script: str, file: str
) -> None:
    made = node.run(str(VECTORS / script))
    kept = (VECTORS / file).read_text(encoding="utf-8")

    if made != kept:
        pytest.fail(
            f"the vectors are old; in {VECTORS.relative_to(HERE.parents[1])} run "
            f"`node {script} > {file}`. What differs: "
            f"{_difference(json.loads(made), json.loads(kept)) or 'the order, or what is gone'}",
            pytrace=False,
        )


def _difference(made: dict[str, Any], kept: dict[str, Any]) -> list[Any]:
    """The names of the vectors that differ, and of what else does."""
    found: list[Any] = []
    for kind, value in made.items():
        if not isinstance(value, list):
            found += [kind] * (value != kept.get(kind))
            continue
        found += [v.get("name", v) for v in value if v not in kept.get(kind, [])]
    return found
