"""Rooms shared with a server of Node that has ``@socket.io/redis-adapter``: in both directions."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
import socketio
from child import PATIENCE, Child, Node, ServerProcess
from engines import RedisServer

from sionamespace import Emitter, NotConnected, Server
from sionamespace.rooms import RoomManager
from sionamespace.testing.contract import RoomManagerContract
from sionamespace.types import Selection


class Ours(ServerProcess):
    def __init__(self, url: str, mode: str) -> None:
        self._serve("sharing.py", url, mode)
        self.wait_for("shares its clients with those of Node")


class Theirs:
    def __init__(self, node: Node, url: str, adapter: str) -> None:
        self.child: Child = node.start("js/shared.js", url, adapter)
        self.child.wait_for(r'^{"port"')
        [said] = self.child.facts()
        self.url = f"http://127.0.0.1:{said['port']}"


class Client:
    """A client of a server, and what it was sent."""

    def __init__(self, url: str) -> None:
        self.said: list[tuple[Any, ...]] = []
        self._news = threading.Condition()
        self._client = socketio.Client(reconnection=False)
        self._client.on("said", self._take)
        self._client.on("ask", lambda *args: ["answer of", self.sid, *args])
        self._client.on("disconnect", lambda *_: self._tell())
        self._client.connect(
            url, auth={"name": "Ann"}, transports=["websocket"], namespaces=["/", "/control"]
        )
        self.close = self._client.disconnect

    @property
    def sid(self) -> str:
        return self._client.get_sid("/")

    @property
    def connected(self) -> bool:
        return "/" in self._client.namespaces

    def enter(self, *rooms: str) -> None:
        for room in rooms:
            self._client.call("enter", room)

    def run(self, code: str) -> Any:
        """What the server of this client finds for an expression in its language."""
        return self._client.call("run", code, namespace="/control", timeout=PATIENCE)

    def until(self, true: Callable[[], bool]) -> None:
        with self._news:
            assert self._news.wait_for(true, PATIENCE), (self.said, self.connected)

    def _take(self, *args: Any) -> None:
        self.said.append(args)
        self._tell()

    def _tell(self, *_: Any) -> None:
        with self._news:
            self._news.notify_all()


class NodeClient(Client):
    def run(self, code: str) -> Any:
        error, found = super().run(code)
        assert error is None, error
        return found


@pytest.fixture(scope="module")
def redis() -> Iterator[RedisServer]:
    engine = RedisServer()
    try:
        engine.start()
        yield engine
    finally:
        engine.end()


@pytest.fixture(
    scope="module",
    params=[("threads", "@socket.io/redis-adapter"), ("asyncio", "redis-adapter-7")],
    ids=["threads-8", "asyncio-7"],
)
def servers(request, redis: RedisServer, node: Node) -> Iterator[tuple[Ours, Ours, Theirs]]:
    with ExitStack() as ending:
        url = redis.url.replace("redis:", "redis+node:")
        mode, adapter = request.param
        ours = [Ours(url, mode) for _ in range(2)]
        for server in ours:
            ending.callback(server.stop)
        for server in ours:
            server.wait_for("server [0-9a-f]+ has come")
        theirs = Theirs(node, redis.url, adapter)
        ending.callback(theirs.child.process.wait)
        ending.callback(theirs.child.process.kill)
        ending.callback(lambda: print(theirs.child.text()))
        yield (*ours, theirs)


@pytest.fixture
def clients(servers: tuple[Ours, Ours, Theirs]) -> Iterator[tuple[Client, Client, Client]]:
    """Of one server of ours, of the other, and of the one of Node."""
    with ExitStack() as ending:
        kinds = [Client, Client, NodeClient]
        found = [kind(server.url) for kind, server in zip(kinds, servers, strict=True)]
        for client in found:
            ending.callback(client.close)
        yield tuple(found)


def heard(clients: tuple[Client, ...], last: Any = "end") -> list[list[Any]]:
    """What each was sent before a last message to all, which Node sends."""
    for client in clients:
        client.until(lambda client=client: (last,) in client.said)
    return [[args for args in client.said if args != (last,)] for client in clients]


def test_what_node_sends_reaches_our_clients(clients) -> None:
    one, two, node = clients
    one.enter("red")
    two.enter("red", "blue")
    node.enter("blue")
    node.run("io.emit('said', 'all', {a: [1.5, null, true, 'é']})")
    node.run("io.to('red').emit('said', 'red', Buffer.from([0, 255]))")
    node.run("io.to(['red', 'blue']).emit('said', 'both')")
    node.run("io.except('blue').emit('said', 'not blue')")
    node.run(f"io.to('red').except('{two.sid}').emit('said', 'red but two')")
    node.run(f"io.to('{one.sid}').emit('said', 'one', new Date(0), undefined)")
    node.run("io.local.emit('said', 'local')")
    node.run("emitter.to('red').emit('said', 'of the emitter')")
    node.run("io.emit('said', 'end')")
    everybody = ("all", {"a": [1.5, None, True, "é"]})
    red = ("red", b"\x00\xff")
    assert heard(clients) == [
        [
            *(everybody, red, ("both",), ("not blue",), ("red but two",)),
            *(("one", "1970-01-01T00:00:00Z", None), ("of the emitter",)),
        ],
        [everybody, red, ("both",), ("of the emitter",)],
        [everybody, ("both",), ("local",)],
    ]


def test_what_we_send_reaches_the_clients_of_node(clients) -> None:
    one, two, node = clients
    one.enter("red")
    two.enter("blue")
    node.enter("blue")
    one.run("ns.emit('said', 'all', {'a': [1.5, None, True, 'é']})")
    one.run("ns.emit('said', 'blue', b'\\0\\xff', room='blue')")
    one.run("ns.to('red', 'blue').emit('said', 'both')")
    one.run(f"ns.emit('said', 'not node', skip_sid='{node.sid}')")
    one.run(f"ns.emit('said', 'node', room='{node.sid}')")
    one.run("ns.local.emit('said', 'local')")
    one.run("ns.emit('said', 'end')")
    everybody = ("all", {"a": [1.5, None, True, "é"]})
    blue = ("blue", b"\x00\xff")
    assert heard(clients) == [
        [everybody, ("both",), ("not node",), ("local",)],
        [everybody, blue, ("both",), ("not node",)],
        [everybody, blue, ("both",), ("node",)],
    ]


def test_volatile_messages_go_to_those_who_can_take_them(clients) -> None:
    one, _, node = clients
    node.run("io.volatile.emit('said', 'of node')")
    assert heard(clients, "of node") == [[]] * 3
    one.run("ns.emit('said', 'of ours', volatile=True)")
    assert heard(clients, "of ours") == [[("of node",)]] * 3


def test_each_puts_clients_of_the_other_into_rooms_and_takes_them_out(clients) -> None:
    one, two, node = clients
    node.run(f"io.in('{one.sid}').socketsJoin(['x', 'y'])")
    node.run("io.to('x').emit('said', 1)")
    node.run("io.in('x').socketsLeave('x')")
    node.run("io.to('x').emit('said', 2)")
    node.run("io.emit('said', 'end')")
    assert heard(clients) == [[(1,)], [], []]
    two.run(f"ns.enter_room('{node.sid}', ['x', 'z'])")
    two.run("ns.emit('said', 3, room='x')")
    two.run("ns.to('x').leave_room('z')")
    two.run("ns.emit('said', 4, room='z')")
    two.run(f"ns.leave_room('{node.sid}', 'x')")
    two.run("ns.emit('said', 5, room='x')")
    two.run("ns.emit('said', 'end again')")
    assert heard(clients, "end again")[2] == [("end",), (3,)]


def test_each_sends_clients_of_the_other_away(clients) -> None:
    one, two, node = clients
    node.run(f"io.in('{one.sid}').disconnectSockets()")
    one.until(lambda: not one.connected)
    two.run(f"ns.disconnect('{node.sid}')")
    node.until(lambda: not node.connected)
    assert two.connected


def test_node_finds_our_clients(clients) -> None:
    one, two, node = clients
    one.enter("red")
    node.enter("red")
    assert set(node.run("return (await io.fetchSockets()).map((s) => s.id)")) == {
        *(client.sid for client in clients)
    }
    [found] = node.run(
        f"return (await io.in('red').except('{node.sid}').fetchSockets())"
        ".map(({id, handshake, rooms, data}) => ({id, handshake, rooms: [...rooms], data}))"
    )
    handshake = found["handshake"]
    assert (found["id"], sorted(found["rooms"]), found["data"]) == (
        *(one.sid, sorted([one.sid, "red"]), {}),
    )
    assert handshake["auth"] == {"name": "Ann"}
    assert handshake["query"]["EIO"] == "4"
    assert handshake["address"] == "127.0.0.1"
    assert handshake["headers"]["upgrade"] == "websocket"
    assert {"red", one.sid, two.sid, node.sid} <= set(
        node.run("return [...await io.of('/').adapter.allRooms()]")
    )
    assert node.run("return await io.of('/').adapter.serverCount()") == 3


@pytest.mark.parametrize("number", [0, 1])
def test_we_find_the_clients_of_node(number: int, clients) -> None:
    one, _, node = clients
    asking = clients[number]
    one.enter("red")
    node.enter("red")
    assert set(asking.run("sorted(ns.members())")) == {client.sid for client in clients}
    assert asking.run("sorted(ns.members('red'))") == sorted([one.sid, node.sid])
    assert asking.run("ns.members().complete") is not None
    [found] = asking.run(
        f"[[c.sid, c.auth, sorted(c.rooms), c.transport, c.protocol, c.environ['REMOTE_ADDR']] "
        f"for c in ns.to('red').skip('{one.sid}').clients()]"
    )
    rooms = sorted([node.sid, "red"])
    assert found == [node.sid, {"name": "Ann"}, rooms, "websocket", 5, "127.0.0.1"]


def test_many_questions_at_once_are_answered_and_cost_no_connection(clients) -> None:
    one, _, node = clients
    many = "[ns.members(timeout=10) for _ in range(300)]"
    found = one.run(f"(lambda asked: [[*sorted(m.result()), m.complete] for m in asked])({many})")
    assert [list(each) for each in found] == [[*sorted(c.sid for c in clients), True]] * 300
    node.run("io.emit('said', 'end')")
    heard(clients)


def test_clients_of_the_other_are_asked(clients) -> None:
    one, two, node = clients
    for client in (one, two):
        value = client.run(f"ns.call('ask', 1, room='{node.sid}', timeout=5).result()")
        assert list(value) == ["answer of", node.sid, 1]
    found = one.run("dict(ns.everyone.call_all('ask', 2, timeout=5).result().values)")
    assert found == {client.sid: ["answer of", client.sid, 2] for client in clients}
    answers = node.run("return await io.timeout(3000).emitWithAck('ask', 3)")
    assert sorted(answers) == sorted([["answer of", client.sid, 3] for client in clients])
    gone = one.run("str(ns.call('ask', room='nobody', timeout=5).exception())")
    assert "there is no client 'nobody'" in gone


def test_servers_tell_and_ask_each_other(clients) -> None:
    one, two, node = clients
    node.run("io.serverSideEmit('tell', 'of node', 1)")
    assert sorted(node.run("return await io.serverSideEmitWithAck('sum', 2, 3)")) == [5, 5]
    assert one.run("said[-1]") == two.run("said[-1]") == ["of node", 1]
    one.run("ns.servers.emit('tell', 'of ours', 2)")
    values = one.run("dict(ns.servers.call('sum', 1, 2).result().values)")
    assert sorted(values.values()) == [3, 3, 3]
    assert len([server for server in values if server.startswith("Node")]) == 1
    assert node.run("return said.at(-1)") == ["of ours", 2]
    assert two.run("said[-1]") == ["of ours", 2]


def test_an_emitter_reaches_both(clients, redis: RedisServer) -> None:
    one, two, node = clients
    one.enter("red")
    node.enter("red")
    with Emitter(redis.url.replace("redis:", "redis+node:")) as emitter:
        emitter.emit("said", "all", b"\0")
        emitter.to("red").skip(one.sid).emit("said", "red")
        emitter.to("red").enter_room("pink")
        emitter.emit("said", "pink", room="pink")
        emitter.to("pink").leave_room("pink")
        emitter.emit("said", "nobody", room="pink")
        emitter.emit("said", "end")
    everybody = ("all", b"\0")
    assert heard(clients) == [
        [everybody, ("pink",)],
        [everybody],
        [everybody, ("red",), ("pink",)],
    ]
    with Emitter(redis.url.replace("redis:", "redis+node:")) as emitter:
        emitter.disconnect(node.sid)
        emitter.to("red").disconnect()
    for client in (one, node):
        client.until(lambda client=client: not client.connected)
    assert two.connected


def test_what_is_of_neither_is_ignored() -> None:
    """By us; a server of Node ends at it, so there is none."""
    with ExitStack() as ending:
        engine = RedisServer()
        ending.callback(engine.end)
        engine.start()
        server = Ours(engine.url.replace("redis:", "redis+node:"), "threads")
        ending.callback(server.stop)
        client = Client(server.url)
        ending.callback(client.close)
        for channel in ("socket.io#/#", "socket.io-request#/#", "socket.io-response#/#"):
            for message in (b"", b"{", b"\xc1", b"[]", b'{"type":7}', b'{"type":6,"data":[]}'):
                engine.ask("PUBLISH", channel, message)
        server.wait_for("is ignored: it is an event of servers without a name")
        client.run("ns.emit('said', 'end')")
        client.until(lambda: client.said == [("end",)])


class TestContract(RoomManagerContract):
    @pytest.fixture(autouse=True)
    def _servers(self, redis: RedisServer) -> Iterator[None]:
        self.url = redis.url.replace("redis", "redis+node", 1)
        self.servers: list[Server] = []
        yield
        for server in self.servers:
            while not server.leave_others():
                time.sleep(0.01)

    def make(self) -> RoomManager:
        self.servers.append(Server(rooms=self.url, async_mode="threads"))
        return self.servers[-1].rooms

    def test_a_client_that_is_not_there_has_no_rooms(self) -> None:
        """It may be one of a server of Node, so to move it is no error."""
        rooms = self._with("a")
        rooms.enter("/", "b", "x")
        rooms.leave("/", "b", "x")
        with pytest.raises(NotConnected):
            rooms.rooms("/", "b")
        assert rooms.recipients("/", Selection(("x",))) == []
