"""The unit tests on each Python that is on the machine: ``make pythons``."""

from __future__ import annotations

import nox

nox.options.error_on_missing_interpreters = False


@nox.session(python=["3.10", "3.11", "3.12", "3.13"])
def unit(session: nox.Session) -> None:
    """Run the unit tests."""
    session.install("--quiet", ".[test]")
    session.run("python", "-m", "pytest", "-q", *session.posargs)
