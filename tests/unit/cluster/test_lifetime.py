"""Servers on their own runtimes, in real time: they meet, and part, when they start and stop."""

from __future__ import annotations

import asyncio
import json
import secrets
import threading
import time

import pytest

from sionamespace import ClusterRoomManager, ConfigurationError, Namespace, Server, server_event
from sionamespace.engine.memory import MemoryLink

PATIENCE = 20.0


class Chat(Namespace):
    def on_say(self, sid, text):
        self.emit("said", text)

    def on_ask(self, sid, whom):
        return self.call("question", room=whom).result()

    def on_disconnect(self, sid, reason):
        self.emit("left", reason)

    @server_event
    def thread(self):
        return threading.current_thread().name


@pytest.fixture
def url():
    return f"memory://{secrets.token_hex(8)}"


class Client:
    """A client of revision 5, or 4."""

    def __init__(self, server, protocol=5):
        self.heard = []
        self.server = server
        self.link = MemoryLink(self.heard.append, 2**20)
        self.link.protocol, self.link.sid = protocol, server.ids.new()
        environ = {"QUERY_STRING": ""}
        with getattr(server.runtime, "engine", threading.Lock()):
            self.link.receiver = server.accept(self.link, environ)
            if protocol == 5:
                self.link.receiver.receive("0")

    def say(self, message):
        with getattr(self.server.runtime, "engine", threading.Lock()):
            self.link.receiver.receive(message)


def until(condition):
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, "it did not come true"
        time.sleep(0.002)


async def until_async(condition):
    await asyncio.wait_for(asyncio.to_thread(until, condition), PATIENCE)


def threads(url, count=2):
    return [Server({"/": Chat}, async_mode="threads", rooms=url) for _ in range(count)]


def test_servers_of_one_url_meet_on_their_own_loops(url):
    servers = threads(url)
    for server in servers:
        server.come_to_others().result(PATIENCE)
    until(lambda: all(server.health().nodes for server in servers))
    report = servers[0].namespace("/").servers.call("thread", timeout=PATIENCE).result()
    assert set(report.values) == {server.health().node for server in servers}
    for server in servers:
        server.leave_others()


def test_clients_of_several_servers_and_kinds_hear_and_answer_each_other(url):
    one, two = threads(url)
    new, old = Client(one), Client(two, protocol=4)
    until(lambda: new.heard and old.heard)
    sid = json.loads(new.heard[0][1:])["sid"]
    assert sid.endswith("~" + one.health().node)
    until(lambda: one.health().nodes and two.health().nodes)
    two.flush().result()
    new.say('2["say","hi"]')
    until(lambda: '2["said","hi"]' in old.heard)
    old.say(f'20["ask","{sid}"]')
    until(lambda: any("question" in message for message in new.heard))
    question = next(message for message in new.heard if "question" in message)
    new.say(f'3{question[1 : question.index("[")]}["yes"]')
    until(lambda: '30["yes"]' in old.heard)
    new.say(f'21["ask","{two.ids.node and old.link.sid}"]')
    until(lambda: any("question" in message for message in old.heard))
    for server in (one, two):
        server.send_away()
        until(server.leave_others)


def test_what_is_said_of_those_who_leave_at_the_end_reaches_the_others(url):
    one, two = threads(url)
    Client(one)
    stays = Client(two)
    until(lambda: one.health().nodes and two.health().nodes)
    one.shutdown()
    until(one._stopped)
    until(lambda: '2["left","server shutting down"]' in stays.heard)
    until(lambda: not two.health().nodes)
    assert not one.health().connected
    two.shutdown()
    until(two._stopped)


def test_the_lifespan_begins_and_ends_it(url):
    servers = [Server({"/": Chat}, async_mode="asyncio", rooms=url) for _ in range(2)]

    async def live(server, begun, end):
        said = asyncio.Queue()
        await said.put({"type": "lifespan.startup"})

        async def send(message):
            if message["type"] == "lifespan.startup.complete":
                begun.set()
                await end.wait()
                await said.put({"type": "lifespan.shutdown"})

        await server.asgi()({"type": "lifespan"}, said.get, send)

    async def both():
        begun, end = [asyncio.Event(), asyncio.Event()], asyncio.Event()
        lives = [asyncio.create_task(live(*each, end)) for each in zip(servers, begun, strict=True)]
        for event in begun:
            await event.wait()
        assert all(server.health().connected for server in servers)
        await until_async(lambda: all(server.health().nodes for server in servers))
        end.set()
        await asyncio.gather(*lives)
        assert not any(server.health().connected for server in servers)

    asyncio.run(asyncio.wait_for(both(), PATIENCE))


def test_it_may_be_awaited_before_any_client_came(url):
    server = Server({"/": Chat}, async_mode="asyncio", rooms=url)

    async def main():
        await server.flush()
        assert server.health().connected
        assert not await server.namespace("/").members()
        server.leave_others()
        await until_async(server.leave_others)

    asyncio.run(asyncio.wait_for(main(), PATIENCE))

    async def serve():
        said = asyncio.Queue()
        await said.put({"type": "lifespan.startup"})
        life = asyncio.create_task(server.asgi()({"type": "lifespan"}, said.get, send))
        await until_async(lambda: server.health().connected)
        await said.put({"type": "lifespan.shutdown"})
        await life

    async def send(message):
        assert message["type"].endswith("complete")

    asyncio.run(asyncio.wait_for(serve(), PATIENCE))  # on an event loop of its own


def test_whoever_cancels_all_tasks_does_not_end_it_for_good(url):
    one, two = (Server({"/": Chat}, async_mode="asyncio", rooms=url) for _ in range(2))

    async def main():
        own = asyncio.all_tasks()
        await one.come_to_others()
        await two.come_to_others()
        await until_async(lambda: one.health().nodes and two.health().nodes)
        tasks = asyncio.all_tasks() - own
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        await until_async(lambda: not one.health().connected)
        await one.come_to_others()
        await two.come_to_others()
        await until_async(lambda: one.health().nodes and two.health().nodes)
        for server in (one, two):
            server.leave_others()
            await until_async(server.leave_others)

    asyncio.run(asyncio.wait_for(main(), PATIENCE))


def test_nothing_is_begun_before_a_client_comes_or_something_is_sent(url):
    before = threading.active_count()
    server = threads(url, 1)[0]
    assert server.health().node is None
    assert server.ids.node is None
    assert threading.active_count() == before
    server.namespace("/").emit("said", 1)
    assert server.ids.node == server.health().node
    until(server.leave_others)


def test_a_process_that_has_a_name_keeps_it(url):
    server = threads(url, 1)[0]
    server.ids.node = "0badcafe"
    server.come_to_others().result(PATIENCE)
    assert server.health().node == "0badcafe"
    until(server.leave_others)


def test_rooms_are_a_manager_or_a_url():
    assert isinstance(Server(rooms="memory://x").rooms, ClusterRoomManager)
    with pytest.raises(ConfigurationError, match="or the URL of a broker"):
        Server(rooms=object())
    with pytest.raises(ConfigurationError, match="no broker for 'nowhere'"):
        Server(rooms="nowhere://x")
