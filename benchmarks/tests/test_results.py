"""What is made of the figures."""

from __future__ import annotations

import json
from xml.etree import ElementTree

import pytest
from cases import CASES
from floors import FLOORS, Floor, verdicts
from peers import IN_MEMORY, MODES, PEERS
from plot import svg
from report import markdown, text
from results import Results

RATE = "per second"


@pytest.fixture
def results() -> Results:
    found = Results("python benchmarks/run.py", "cores", list(PEERS), "3 runs")
    rates = {"sionamespace": (100, 90, 110), "python-socketio": (20, 25, 30), "node": (200,)}
    for peer, values in rates.items():
        for value in values:
            figures = {metric.name: value for metric in CASES["echo-50x4"].metrics}
            found.add("eventlet", CASES["echo-50x4"], peer, figures)
    return found


def test_the_median_and_the_spread_are_told(results: Results) -> None:
    assert str(results.summary("eventlet", "echo-50x4", "sionamespace", RATE)) == "100 ±10%"
    assert str(results.summary("eventlet", "echo-50x4", "node", RATE)) == "200"
    assert results.summary("eventlet", "echo-50x4", "bare", RATE) is None


def test_better_is_more_messages_and_less_time(results: Results) -> None:
    rate, cpu, *_ = CASES["echo-50x4"].metrics
    assert results.better("eventlet", "echo-50x4", rate, "python-socketio") == 4
    assert results.better("eventlet", "echo-50x4", cpu, "python-socketio") == 1 / 4


@pytest.mark.parametrize(
    ("floor", "word"),
    [
        (Floor("eventlet", "echo-50x4", RATE, "python-socketio", least=4), "ok"),
        (Floor("eventlet", "echo-50x4", RATE, "python-socketio", least=4.1), "**not met**"),
        (Floor("eventlet", "echo-50x4", RATE, "node", most=0.5), "ok"),
        (Floor("eventlet", "echo-50x4", RATE, "node", most=0.4), "**not met**"),
        (Floor("eventlet", "echo-50x4", RATE, None, least=100), "ok"),
        (Floor("eventlet", "echo-200x1", RATE, "node", least=0), "not measured"),
    ],
)
def test_a_floor_is_kept_or_not(results: Results, floor: Floor, word: str) -> None:
    (verdict,) = verdicts(results, (floor,))
    assert verdict.word == word
    assert verdict.holds == (word == "ok")


def test_each_floor_names_what_is_measured() -> None:
    for floor in FLOORS:
        case = CASES[floor.case]
        assert floor.mode in case.modes
        assert floor.metric in [metric.name for metric in case.metrics], floor
        if floor.against is not None:
            assert PEERS[floor.against].serves(floor.mode)
            assert case.bare or not PEERS[floor.against].bare


def test_each_case_is_measured_in_modes_that_there_are() -> None:
    for case in CASES.values():
        assert set(case.modes) <= {IN_MEMORY, *MODES}


def test_the_page_tells_what_was_met_and_what_failed(results: Results) -> None:
    results.fail("eventlet", CASES["connect"], "node", "client 0: lost")
    page = markdown(results, "results.svg")
    assert (
        "| eventlet, echo-50x4, per second | node | at least 0.8 x | 0.50 x | **not met** |" in page
    )
    assert "| per second (`echo-50x4`) | 100 ±10% | 25 ±20% | 200 | 4.00 x | 0.50 x |" in page
    assert "- eventlet, connect, node: client 0: lost" in page
    assert "FAILED: eventlet, connect, node: client 0: lost" in text(results)


def test_a_busy_generator_is_a_reason_to_doubt(results: Results) -> None:
    assert results.warnings() == []
    case = CASES["echo-200x1"]
    results.add("eventlet", case, "node", {RATE: 1, "generator busy": 0.95, "server busy": 0.9})
    (warning,) = results.warnings()
    assert "eventlet, echo-200x1, node: 95%" in warning


def test_the_picture_has_a_bar_for_each_figure(results: Results) -> None:
    picture = ElementTree.fromstring(svg(results))
    bars = [element for element in picture.iter() if element.get("rx")]
    assert len(bars) == 3


def test_what_was_written_can_be_read_again(results: Results) -> None:
    kept = json.loads(json.dumps(results.as_json()))
    assert markdown(Results.from_json(kept)) == markdown(results)
