"""The pages of docs/, and the blocks of code in them."""

from __future__ import annotations

import re
from functools import cached_property
from pathlib import Path

import attrs

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"

_BLOCK = re.compile(r"^```(\S*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_NAME = re.compile(r"(?:#|//|<!--) (\S+\.\w+)(?: -->)?\n")


OWN_TEST = {
    "contracts.md": ("tests/integration/test_contracts.py", {"ts"}),
    "moving-from-node.md": ("tests/integration/test_docs_moving.py", {"js"}),
    "testing.md": ("tests/docs/test_testing_page.py", {"python", "text"}),
    "engine.md": ("tests/integration/test_engine_alone.py", {"python", "js"}),
    "deploy/asyncio.md": ("tests/integration/test_deploy_asyncio.py", {"python", "sh"}),
    "deploy/eventlet.md": ("tests/integration/test_deploy.py", {"python", "sh"}),
    "deploy/gevent.md": ("tests/integration/test_deploy.py", {"python", "sh"}),
    "deploy/gunicorn.md": ("tests/integration/test_deploy.py", {"python", "sh"}),
    "deploy/nginx.md": ("tests/integration/test_deploy_nginx.py", {"nginx"}),
    "deploy/sticky.md": (
        "tests/integration/test_deploy_sticky.py",
        {"python", "sh", "nginx", "haproxy"},
    ),
    "deploy/threads.md": ("tests/integration/test_deploy.py", {"python", "sh"}),
    "deploy/workers.md": ("tests/integration/test_deploy.py", {"python", "sh"}),
}
"""The pages of which a test of their own runs all blocks in some languages. All other blocks are
run by what is in this folder, and (JavaScript, commands that serve) by
tests/integration/test_docs.py."""


@attrs.frozen
class Block:
    """A block of code. Its first line may be a comment with the name of its file."""

    language: str
    code: str
    line: int

    @property
    def name(self) -> str | None:
        named = _NAME.match(self.code)
        return named[1] if named else None


@attrs.frozen(slots=False)
class Page:
    """A page, by its path in docs/."""

    path: str

    def __str__(self) -> str:
        return self.path

    @cached_property
    def text(self) -> str:
        return (DOCS / self.path).read_text()

    @cached_property
    def blocks(self) -> list[Block]:
        return [
            Block(found[1], found[2], self.text.count("\n", 0, found.start()) + 1)
            for found in _BLOCK.finditer(self.text)
        ]

    def of(self, *languages: str) -> list[Block]:
        """The blocks in some languages that no test of its own runs."""
        _, own = OWN_TEST.get(self.path, ("", set()))
        return [b for b in self.blocks if b.language in languages and b.language not in own]

    @property
    def files(self) -> dict[str, str]:
        """The blocks that are files, by their names."""
        return {block.name: block.code for block in self.blocks if block.name}

    @property
    def python(self) -> dict[str, str]:
        """The files of Python that no test of its own runs."""
        return {block.name: block.code for block in self.of("python") if block.name}

    @property
    def clients(self) -> list[Block]:
        """The programs for Node."""
        return [block for block in self.of("js") if "require(" in block.code]

    def write(self, folder: Path) -> None:
        """Put its files into a folder."""
        for name, code in self.files.items():
            (folder / name).write_text(code)


PAGES = [Page(str(path.relative_to(DOCS))) for path in sorted(DOCS.rglob("*.md"))]


def matches(shown: str, printed: str) -> bool:
    """Whether the lines that a page shows are what was printed; ``...`` is anything in a line."""
    lines = iter(printed.splitlines())
    return all(any(_pattern(one).search(line) for line in lines) for one in shown.splitlines())


def _pattern(shown: str) -> re.Pattern[str]:
    return re.compile(".*".join(map(re.escape, shown.strip().split("..."))))
