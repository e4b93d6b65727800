"""Ids cannot be guessed, and say whose they are."""

from __future__ import annotations

import re

from sionamespace.ids import Ids, new_node


def test_an_id_of_a_lone_process_says_nothing_of_it() -> None:
    made = Ids().new()
    assert re.fullmatch("[A-Za-z0-9_-]{20}", made)
    assert Ids.node_of(made) is None


def test_an_id_of_one_of_several_processes_says_whose_it_is() -> None:
    node = new_node()
    assert Ids.node_of(Ids(node).new()) == node


def test_ids_and_processes_are_not_made_twice() -> None:
    assert len({Ids().new() for _ in range(1000)}) == 1000
    assert len({new_node() for _ in range(100)}) == 100


def test_an_id_needs_no_escape_in_a_query_or_a_cookie() -> None:
    assert re.fullmatch("[A-Za-z0-9._~-]+", Ids(new_node()).new())


def test_a_room_that_ends_as_an_id_does_is_none() -> None:
    assert Ids.node_of("invoices~20261125") is None
    assert Ids.node_of(f"/chat#{Ids('deadbeef').new()}") == "deadbeef"
