"""The fixtures of pytest for testing namespaces; pytest finds them by itself.

It stands outside the package and imports nothing of it until a fixture is used, so that it costs
those nothing who test something else.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from sionamespace.testing import Harness

_harnesses: pytest.StashKey[list[Harness]] = pytest.StashKey()


@pytest.fixture
def namespaces() -> Any:
    """What `harness` runs: override it to return a namespace, or a dict of them by path."""
    pytest.fail(
        "the fixture `harness` does not know what to run: define a fixture `namespaces` that "
        "returns it, such as Chat() or {'/chat': Chat(), '/dashboard': Dashboard()}",
        pytrace=False,
    )


@pytest.fixture
def harness_for(request: pytest.FixtureRequest) -> Iterator[Callable[..., Harness]]:
    """Makes a `sionamespace.testing.Harness`, with its arguments, which ends with the test."""
    from sionamespace.testing import Harness

    made: list[Harness] = request.node.stash.setdefault(_harnesses, [])

    def make(*args: Any, **options: Any) -> Harness:
        harness = Harness(*args, **options)
        made.append(harness)
        return harness

    yield make
    for harness in made:
        harness.close()


@pytest.fixture
def harness(harness_for: Callable[[Any], Harness], namespaces: Any) -> Harness:
    """A `sionamespace.testing.Harness` of what the fixture `namespaces` returns."""
    return harness_for(namespaces)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """A test that has passed leaves nothing behind in its harnesses; if it does, it fails."""
    __tracebackhide__ = True
    result = yield
    for harness in item.stash.get(_harnesses, []):
        _finish(harness)
    return result


def _finish(harness: Harness) -> None:
    from sionamespace.testing import LeftBehind

    __tracebackhide__ = True
    told = ""
    try:
        harness.finish()
    except LeftBehind as left:
        told = str(left)
    if told:  # no line of the test is to blame; and out here, pytest shows it once
        pytest.fail(told, pytrace=False)
