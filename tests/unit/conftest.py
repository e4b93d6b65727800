"""The runtimes that tests run on.

In a module with ``pytestmark = pytest.mark.every_runtime`` each test runs on each runtime: a
`Harness` that it makes, and the fixture ``runtime``, are on it. What needs the order of steps
of the manual runtime is marked ``manual``, with the reason. ``wsgi_runtimes`` is for what stands
below a web server, with the fixture ``front`` of ``engine/conftest.py``.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from sionamespace.runtime.eventlet import EventletDriver  # noqa: F401 # keeps eventlet's warning away
from sionamespace.testing import Harness
from sionamespace.testing.runtime import ManualRuntime
from tests.unit.live import Live

WSGI_RUNTIMES = ("threads", "eventlet", "gevent")
RUNTIMES = ("manual", "asyncio", *WSGI_RUNTIMES)

_live = functools.cache(Live)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--runtime",
        action="append",
        choices=RUNTIMES,
        help="of the tests for each runtime, only those on this one",
    )


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "every_runtime: run the test on each runtime")
    config.addinivalue_line("markers", "wsgi_runtimes: run the test on each runtime below WSGI")
    config.addinivalue_line("markers", "manual(reason): of those, on the manual one only")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if metafunc.definition.get_closest_marker("every_runtime"):
        only_manual = metafunc.definition.get_closest_marker("manual")
        metafunc.fixturenames.insert(0, "mode")
        metafunc.parametrize("mode", ("manual",) if only_manual else RUNTIMES)
    elif metafunc.definition.get_closest_marker("wsgi_runtimes"):
        metafunc.fixturenames.insert(0, "mode")
        metafunc.parametrize("mode", WSGI_RUNTIMES)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if wanted := config.getoption("--runtime"):
        items[:] = [item for item in items if _mode_of(item) in (None, *wanted)]


def _mode_of(item: pytest.Item) -> str | None:
    return item.callspec.params.get("mode") if hasattr(item, "callspec") else None


@pytest.fixture
def mode() -> str:
    """The runtime that a test runs on."""
    return "manual"


@pytest.fixture
def make_runtime(mode: str) -> Callable[[], Any]:
    """What makes the runtime of a test. The real ones are there once for all tests."""
    return ManualRuntime if mode == "manual" else functools.partial(_live, mode)


@pytest.fixture
def runtime(make_runtime: Callable[[], Any]) -> Iterator[Any]:
    """The runtime of a test."""
    runtime = make_runtime()
    yield runtime
    runtime.close()


@pytest.fixture(autouse=True)
def _harness_runs_there(make_runtime: Callable[[], Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Harness, "make_runtime", staticmethod(make_runtime))
