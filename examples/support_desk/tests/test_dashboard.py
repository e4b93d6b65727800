"""What supervisors see."""

from __future__ import annotations

from collections.abc import Callable

from sionamespace.testing import Harness, HarnessClient, including

from desk import Desk

Visit = Callable[[str, str], HarnessClient]


def test_the_figures_come_as_they_are_and_as_they_change(
    harness: Harness, visit: Visit, desk: Desk
) -> None:
    sue = visit("dashboard", "Sue")
    sue.assert_received("figures", {"waiting": 0, "solved": 0, "agents": {}})
    desk.open("Cleo", "It is broken")
    sue.assert_received("figures", including(waiting=1))
    visit("agents", "Abe").call("take", 1)
    sue.assert_received("figures", {"waiting": 0, "solved": 0, "agents": {"Abe": 1}})
    harness.assert_broadcast("figures", including(waiting=1), room=None, path="/desk/dashboard")
