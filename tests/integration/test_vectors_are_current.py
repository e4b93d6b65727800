"""The vectors of the unit tests are what the installed official parser says."""

from __future__ import annotations

import json

import pytest
from child import HERE, Node

VECTORS = HERE.parent / "unit" / "protocol" / "vectors"


def test_the_vectors_are_what_the_installed_parser_makes(node: Node) -> None:
    made = node.run(str(VECTORS / "make.js"))
    kept = (VECTORS / "v5.json").read_text(encoding="utf-8")

    if made != kept:
        names = [
            vector["name"]
            for kind in ("written", "read", "refused")
            for vector in json.loads(made)[kind]
            if vector not in json.loads(kept)[kind]
        ]
        pytest.fail(
            "the vectors are old; in tests/unit/protocol/vectors run `node make.js > v5.json`. "
            f"What differs: {names or 'the version, the order, or something that is gone'}",
            pytrace=False,
        )
