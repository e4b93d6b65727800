"""Which other servers are there."""

from __future__ import annotations

import pytest

from sionamespace.cluster.nodes import Nodes

PATIENCE = 3.5


@pytest.fixture
def news():
    return []


@pytest.fixture
def nodes(news):
    return Nodes(
        PATIENCE, lambda name: news.append(("came", name)), lambda name: news.append(("went", name))
    )


def hear(nodes, name, number, now):
    is_new = nodes.hear(name, number, now)
    nodes.meet(name)
    return is_new


def test_one_that_was_silent_for_too_long_comes_again(nodes, news):
    hear(nodes, "a", 1, now=0)
    nodes.forget_silent(now=10)
    assert not nodes.there
    hear(nodes, "a", 2, now=11)
    assert nodes.there == {"a"}
    assert news == [("came", "a"), ("went", "a"), ("came", "a")]


def test_what_it_sends_again_then_is_known(nodes):
    hear(nodes, "a", 1, now=0)
    nodes.forget_silent(now=10)
    assert not hear(nodes, "a", 1, now=11)


def test_who_only_sends_is_no_server(nodes, news):
    assert nodes.hear("emitter", 1, now=0)
    nodes.forget_silent(now=10)
    assert not nodes.there
    assert not news


def test_what_does_no_harm_twice_pushes_nothing_out_that_does(nodes):
    hear(nodes, "a", 1, now=0)
    for second in range(2000):
        assert hear(nodes, "a", None, now=second)
    assert not hear(nodes, "a", 1, now=2000)
