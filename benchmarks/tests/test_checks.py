"""The generator finds what a server does wrong; otherwise its figures would mean nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from process import Failed, Load

Serve = Callable[[str], Load]
Share = Callable[[str, int], Load]

WRONG_ORDER = "got message [0-9]+, expected [0-9]+, of server [01]"

SHORT = {"warmup": 0.05, "seconds": 0.2, "patience": 1}
ECHO = {"clients": 8, "window": 2, **SHORT}
FANOUT = {"clients": 8, "window": 20, "batch": 10, **SHORT}
# By how the clients come: one check must not work on one transport only.
KINDS: Mapping[str, Mapping[str, int]] = {
    "websocket": {},
    "old": {"old": 8},
    "polling": {"polling": 8},
    "upgrading": {"upgrading": 8},
}


def run(load: Load, test: str, settings: Mapping[str, Any]) -> Mapping[str, Any]:
    with load.run(test, **settings) as running:
        measured = running.await_event("measured")
        latencies = running.await_event("latencies")
        running.await_event("done")
    return {**measured, **latencies}


@pytest.mark.parametrize(
    ("fault", "test", "said"),
    [
        ("lose an answer", "echo", "lost: "),
        ("change an answer", "echo", "a wrong answer"),
        ("send a client away", "echo", "unexpected message: 41"),
        ("lose a broadcast", "fanout", "got message 1, expected 0"),
        ("repeat a broadcast", "fanout", "got message 0, expected 1"),
        ("reorder broadcasts", "fanout", "got message 5, expected 4"),
        ("change a broadcast", "fanout", "a wrong message"),
    ],
)
def test_a_fault_is_found_on_each_transport(serve: Serve, fault: str, test: str, said: str) -> None:
    load = serve(fault)
    for kind in KINDS.values():
        with pytest.raises(Failed, match=said):
            run(load, test, {**(ECHO if test == "echo" else FANOUT), **kind})


def test_a_changed_attachment_is_found(serve: Serve) -> None:
    with pytest.raises(Failed, match="a wrong attachment of 65536 bytes"):
        run(serve("change an answer"), "echo", {**ECHO, "binary": True, "size": 65536})


def test_without_a_fault_everything_is_measured(serve: Serve) -> None:
    load = serve("none")
    for kind in KINDS.values():
        assert run(load, "echo", {**ECHO, **kind})["messages"] > 0
        assert run(load, "fanout", {**FANOUT, **kind})["messages"] > 0
    assert run(load, "echo", {**ECHO, "binary": True, "size": 65536})["messages"] > 0
    with load.run("churn", clients=5, count=20) as running:
        running.await_event("done")


def test_at_a_fixed_rate_no_question_is_left_out(serve: Serve) -> None:
    found = run(serve("none"), "echo", {**ECHO, "window": 1, "rate": 2000, "seconds": 0.5})
    assert 999 <= found["timed"] <= 1001


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("lose a broadcast", WRONG_ORDER),
        ("repeat a broadcast", WRONG_ORDER),
        ("reorder broadcasts", WRONG_ORDER),
        ("not to the others", "lost: 0 answers, [0-9]+ broadcasts not received by all"),
    ],
)
def test_a_fault_between_servers_is_found(share: Share, fault: str, said: str) -> None:
    with pytest.raises(Failed, match=said):
        run(share(fault, 2), "fanout", FANOUT)


def test_each_server_sends_to_the_clients_of_all(share: Share) -> None:
    load = share("none", 3)
    at_will = run(load, "fanout", {**FANOUT, "clients": 9, "window": 30})
    assert at_will["messages"] > 0
    paced = run(load, "fanout", {**FANOUT, "clients": 9, "window": 30, "batch": 1, "rate": 100})
    assert 19 * 9 <= paced["timed"] <= 21 * 9


def test_a_flood_comes_beside_the_others(serve: Serve) -> None:
    measured = run(serve("none"), "echo", {**ECHO, "flooders": 1})
    assert measured["flooded"] > 0
    assert measured["messages"] > 0
