"""What clients are told is what the JavaScript server tells them, or differs for a reason."""

from __future__ import annotations

from collections import defaultdict

import pytest
from deviations import Deviation
from exchanges import Exchange
from page import PAGE, page
from rows import ROWS
from stage import Stage


@pytest.mark.parametrize("exchange", ROWS, ids=lambda exchange: exchange.name)
def test_it_is_as_with_the_javascript_server(
    exchange: Exchange, reference: Stage, stage: Stage
) -> None:
    expected, _ = exchange.expected(reference.transcript(exchange))

    assert stage.transcript(exchange) == expected


def test_each_deviation_of_a_row_still_is_one(reference: Stage) -> None:
    for row in ROWS:
        reference.start(row)
    wanted: dict[str, set[Deviation]] = defaultdict(set)
    met: dict[str, set[Deviation]] = defaultdict(set)
    for row in ROWS:
        wanted[row.title] |= set(row.wanted)
        met[row.title] |= row.expected(reference.transcript(row))[1]

    gone = {title: {d.title for d in wanted[title] - met[title]} for title in wanted}
    assert {title: titles for title, titles in gone.items() if titles} == {}


def test_names_are_given_once() -> None:
    assert len({row.name for row in ROWS}) == len(ROWS)


def test_the_page_of_the_deviations_is_current() -> None:
    assert PAGE.read_text() == page(), "write it anew: python tests/integration/conformance/page.py"
