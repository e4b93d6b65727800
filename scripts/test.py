"""Runs every check and every test, goes on when one fails, and says at the end what ran."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parent.parent
REPORTS = ROOT / ".reports"

CHECKS = {
    "lint": ["ruff", "check", "."],
    "formatting": ["ruff", "format", "--check", "."],
    "types": ["mypy"],
    "types, chat": ["mypy", "examples/chat"],
    "types, desk": ["mypy", "examples/support_desk"],
    "documentation": ["sphinx", "-q", "-W", "-E", "-c", "docs/site", "docs", "build/docs"],
}
SUITES = {
    "unit": "tests/unit",
    "guide": "tests/docs",
    "chat example": "examples/chat/tests",
    "support desk": "examples/support_desk/tests",
    "benchmarks": "benchmarks/tests",
    "integration": "tests/integration",
}


def main() -> int:
    """Run all; 0 if all passed and every suite ran something."""
    REPORTS.mkdir(exist_ok=True)
    rows = [run_check(name, command) for name, command in CHECKS.items()]
    rows += [run_suite(name, folder) for name, folder in SUITES.items()]
    print(f"\n{'what ran':<16}{'passed':>8}{'failed':>8}{'seconds':>9}")
    for name, passed, failed, seconds in rows:
        print(f"{name:<16}{passed:>8}{failed:>8}{seconds:>9.1f}")
    passed, failed = (sum(row[column] for row in rows) for column in (1, 2))
    print(f"\n{passed} passed, {failed} failed")
    return 1 if failed else 0


def run_check(name: str, command: list[str]) -> tuple[str, int, int, float]:
    """Run a tool on the whole tree; it counts as one."""
    print(f"\n== {name}", flush=True)
    start = time.monotonic()
    failed = subprocess.run([sys.executable, "-m", *command], cwd=ROOT, check=False).returncode != 0
    return name, int(not failed), int(failed), time.monotonic() - start


def run_suite(name: str, folder: str) -> tuple[str, int, int, float]:
    """Run the tests of a folder; none at all counts as a failure."""
    print(f"\n== {name}", flush=True)
    report = REPORTS / f"{name.replace(' ', '-')}.xml"
    report.unlink(missing_ok=True)
    start = time.monotonic()
    command = [
        sys.executable,
        "-m",
        "pytest",
        folder,
        "-q",
        "--durations=5",
        f"--junit-xml={report}",
    ]
    code = subprocess.run(command, cwd=ROOT, check=False).returncode
    seconds = time.monotonic() - start
    if not report.exists():
        return name, 0, 1, seconds
    suite = next(ElementTree.parse(report).iter("testsuite"))
    total, failed = int(suite.get("tests", 0)), 0
    for kind in ("failures", "errors", "skipped"):
        failed += int(suite.get(kind, 0))
    if code and not failed:
        failed, total = 1, total + 1
    return name, total - failed, failed, seconds


if __name__ == "__main__":
    sys.exit(main())
