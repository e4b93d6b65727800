"""What servers say to each other."""

from __future__ import annotations

import asyncio

import attrs
import pytest

from sionamespace import HandlerError, Namespace, UsageError, server_event
from sionamespace.testing import Harness
from sionamespace.testing.cluster import Cluster

pytestmark = pytest.mark.every_runtime


@attrs.define
class Price:
    item: str
    cents: int


class Shop(Namespace):
    def __init__(self):
        self.heard = []

    def on_ask(self, sid):
        return dict(self.servers.call("count", timeout=2).result().values)

    async def on_ask_async(self, sid):
        return sorted((await self.servers.call("count_async")).values.values())

    def on_cleared(self, sid, *args):
        self.heard.append(("client", *args))

    @server_event
    def cleared(self, *args):
        self.heard.append(args)

    @server_event("price changed")
    def new_price(self, price: Price):
        self.heard.append(price)

    @server_event
    def count(self):
        return len(self.heard)

    @server_event
    async def count_async(self):
        await asyncio.sleep(1)
        return len(self.heard)

    @server_event
    def fails(self):
        raise ValueError("no")

    @server_event
    def unsendable(self):
        return object()

    @server_event
    def slow(self):
        self.sleep(10)
        return "late"


@pytest.fixture
def cluster():
    with Cluster(Shop, nodes=3) as c:
        yield c


@pytest.fixture
def shops(cluster):
    return [node.namespace() for node in cluster.nodes]


def names(cluster, *numbers):
    return {cluster.node(number).name for number in numbers}


def test_each_server_hears_it_once(cluster, shops):
    shops[0].servers.emit("cleared", "key", {"n": [b"\0"]})
    cluster.settle()
    assert [shop.heard for shop in shops] == [[("key", {"n": [b"\0"]})]] * 3


def test_one_server_may_be_told_alone(cluster, shops):
    one, two, _ = (node.name for node in cluster.nodes)
    shops[0].servers.to(two).emit("cleared", 1)
    shops[0].servers.to(one).emit("cleared", 2)
    cluster.settle()
    assert [shop.heard for shop in shops] == [[(2,)], [(1,)], []]
    assert shops[0].servers.to(two).call("count").result().values == {two: 1}
    assert shops[0].servers.to(one).call("count").result().values == {one: 1}


def test_it_knows_the_servers(cluster, shops):
    assert shops[0].servers.node == cluster.node(0).name
    assert shops[0].servers.others == names(cluster, 1, 2)


def test_arguments_are_of_the_types_that_the_handler_says(cluster, shops):
    shops[0].servers.emit("price changed", Price("tea", 250))
    cluster.settle()
    assert [shop.heard for shop in shops] == [[Price("tea", 250)]] * 3


@pytest.mark.parametrize("args", [(), ({"item": "tea"},), (1, 2)])
def test_what_does_not_fit_is_a_log_line_and_missing(cluster, shops, args, caplog):
    report = shops[0].servers.call("price changed", *args).result()
    assert report.missing == names(cluster, 0, 1, 2)
    assert "price changed from another server" in caplog.text
    assert not any(shop.heard for shop in shops)


def test_what_they_answer_is_told_by_their_names(cluster, shops):
    shops[1].heard.append("one")
    report = shops[0].servers.call("count").result()
    assert report.values == {
        cluster.node(0).name: 0,
        cluster.node(1).name: 1,
        cluster.node(2).name: 0,
    }
    assert report.complete


@pytest.mark.parametrize("ask", ["ask", "ask_async"])
def test_a_handler_may_ask_them(cluster, ask):
    client = cluster.node(0).connect()
    request = client.request(ask)
    cluster.advance(1)
    assert sorted(request.answer.values() if ask == "ask" else request.answer) == [0, 0, 0]


def test_who_fails_is_missing_and_reports_its_error():
    with Cluster(Shop, raise_errors=False) as c:
        report = c.node(0).namespace().servers.call("fails").result()
        assert (report.values, report.missing) == ({}, names(c, 0, 1))
        assert [type(error) for node in c.nodes for error in node.errors] == [ValueError] * 2


def test_what_cannot_be_sent_is_missing_and_a_log_line(cluster, shops, caplog):
    report = shops[0].servers.call("unsendable").result()
    assert report.missing == names(cluster, 0, 1, 2)
    assert caplog.text.count("what a handler of servers returned") == 3


def test_who_is_late_is_missing(cluster, shops):
    answers = shops[0].servers.call("slow", timeout=2)
    cluster.advance(2)
    assert answers.result(0).missing == names(cluster, 0, 1, 2)
    cluster.advance(8)


def test_who_has_gone_is_missing_at_once(cluster, shops):
    cluster.kill(2)
    answers = shops[0].servers.call("count", timeout=None)
    cluster.advance(5)
    report = answers.result(0)
    assert set(report.values) == names(cluster, 0, 1)
    assert len(report.missing) == 1


def test_where_there_is_no_such_namespace_now_nobody_is_waited_for():
    with Cluster({"/shops/{id}": Shop}, nodes=3) as c:
        c.node(0).connect("/shops/7")
        c.node(1).connect("/shops/7")
        servers = c.node(0).namespace("/shops/7").servers
        servers.emit("cleared")
        assert servers.call("count").result().values == dict.fromkeys(names(c, 0, 1), 1)


def test_no_client_can_call_it(cluster, shops):
    client = cluster.node(0).connect()
    client.emit("cleared", 1)
    assert shops[0].heard == [("client", 1)]
    cluster.node(0).allow_unfinished("count").connect().request("count")
    assert "count" not in Shop.handlers.events


@pytest.mark.parametrize("event", ["cleer", "on_cleared", "handle_error", None])
def test_an_event_that_nothing_handles_is_an_error_that_names_those_that_are_there(shops, event):
    with pytest.raises(UsageError, match=r"no method handles .* there are: cleared, count"):
        shops[0].servers.emit(event)
    with pytest.raises(UsageError, match="no method handles"):
        shops[0].servers.call(event)


def test_what_cannot_be_sent_is_an_error_in_the_caller(shops):
    with pytest.raises(UsageError, match="cannot send object"):
        shops[0].servers.emit("cleared", object())


def test_a_lone_server_hears_and_answers_itself():
    with Harness(Shop) as harness:
        servers = harness.namespace().servers
        servers.emit("cleared", Price("tea", 1))
        harness.settle()
        assert harness.namespace().heard == [({"item": "tea", "cents": 1},)]
        assert servers.call("count").result().values == {servers.node: 1}
        assert servers.others == frozenset()


class News(Namespace):
    def __init__(self):
        self.news = []

    def server_joined(self, node):
        self.sleep(1)
        self.news.append(("joined", node))

    async def server_left(self, node):
        self.news.append(("left", node))


def test_a_namespace_is_told_who_comes_and_goes_one_after_the_other():
    with Cluster({"/": News, "/shop": Shop}, nodes=1) as c:
        news = c.node(0).namespace("/").news
        two, three = c.add().name, c.add().name
        assert news == []
        c.advance(1)
        assert news == [("joined", two)]
        c.advance(1)
        assert news == [("joined", two), ("joined", three)]
        c.kill(1)
        c.advance(5)
        assert news[2:] == [("left", two)]


def test_its_errors_are_reported():
    class Broken(Namespace):
        def server_joined(self, node):
            raise ValueError(node)

    with Cluster(Broken, raise_errors=False) as c:
        assert [str(error) for error in c.node(0).errors] == [c.node(1).name]


# Classes.


def test_one_that_overrides_it_needs_no_mark():
    class Loud(Shop):
        def cleared(self, *args):
            super().cleared("loud", *args)

    with Cluster(Loud) as c:
        c.node(0).namespace().servers.emit("cleared")
        c.settle()
        assert c.node(1).namespace().heard == [("loud",)]


def test_two_for_one_event_are_an_error_when_the_class_is_defined():
    with pytest.raises(HandlerError, match="two handlers for the servers' event 'x'"):

        class Two(Namespace):
            @server_event
            def x(self): ...

            @server_event("x")
            def y(self): ...


def test_one_that_reads_as_a_clients_event_is_an_error():
    with pytest.raises(HandlerError, match="on_x reads as an event of clients; name it x"):

        class Reads(Namespace):
            @server_event
            def on_x(self): ...


@pytest.mark.parametrize("name", ["", 1, None])
def test_a_name_is_a_text(name):
    with pytest.raises(HandlerError, match="takes the name of an event"):
        server_event(name)
