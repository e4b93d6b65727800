"""Putting a server together."""

from __future__ import annotations

import gc
import time

import pytest

from sionamespace import (
    ClusterRoomManager,
    ConfigurationError,
    MemoryRoomManager,
    Namespace,
    Server,
    shared_rooms,
)
from sionamespace.brokers.nodejs import NodeBroker
from sionamespace.engine.http import Request
from sionamespace.sessions import Session
from tests.unit.engine.test_upgrade import WebSocket


class Chat(Namespace): ...


def test_it_finds_its_namespaces():
    server = Server({"/chat": Chat()})
    assert isinstance(server.namespace("/chat"), Chat)
    assert server.async_mode == "eventlet"
    with pytest.raises(ConfigurationError, match="no namespace at '/nope'; there are: /chat"):
        server.namespace("/nope")


def test_a_namespace_is_found_by_its_class_if_it_is_clear_which():
    class Sub(Chat): ...

    class Other(Namespace): ...

    server = Server({"/a": Sub(), "/other": Other(), "/rooms/{room}": Chat})
    assert server.namespace(Sub) is server.namespace(Chat) is server.namespace("/a")
    twice = Server({"/a": Sub(), "/b": Chat()})
    with pytest.raises(ConfigurationError, match=r"which Chat\? .* of /a, /b; name its path"):
        twice.namespace(Chat)
    with pytest.raises(ConfigurationError, match=r"which Other\? There is none: /a, /b;"):
        twice.namespace(Other)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"ping_intervall": 1}, "did you mean 'ping_interval'"),
        ({"max_http_buffer_size": 1}, "it is called max_message_bytes here"),
        ({"async_handlers": False}, "concurrent=True"),
        ({"zzz": 1}, "there are: async_mode"),
        ({"ping_timeout": 0}, "expected a number above 0"),
        ({"transports": ["carrier pigeon"]}, "expected 'polling', 'websocket'"),
        ({"async_mode": "trio"}, "async_mode='trio' is not known"),
        ({"rooms": {}}, "takes a RoomManager"),
    ],
)
def test_what_is_wrong_with_an_option_is_said_with_the_mend(options, text):
    with pytest.raises(ConfigurationError, match=text):
        Server({"/": Chat}, **options)


class TestSeveralWorkers:
    def run(self, **options):
        server = Server({"/": Chat}, async_mode="threads", **options.pop("server", {}))
        server.run("127.0.0.1", 0, workers=2, **options)

    def test_rooms_in_the_memory_of_each_are_no_rooms_of_all(self):
        class Ours(MemoryRoomManager): ...

        with pytest.raises(ConfigurationError, match=r"rooms=Ours\(\).*ClusterRoomManager"):
            self.run(server={"rooms": Ours()})

    def test_what_comes_by_tls_cannot_be_handed_over(self, tmp_path, mocker):
        mocker.patch("sionamespace.engine.hosted.Certificate.parse")
        with pytest.raises(ConfigurationError, match=r"by TLS.*transports=\['websocket'\]"):
            self.run(certfile="cert.pem")

    def test_what_was_spawned_before_would_be_lost(self):
        server = Server({"/": Chat}, async_mode="threads")
        server.spawn(lambda: None).result(timeout=20)
        with pytest.raises(ConfigurationError, match="spawned or sent before"):
            server.run("127.0.0.1", 0, workers=2)

    def test_what_was_sent_before_would_be_lost(self):
        server = Server({"/": Chat}, async_mode="threads", rooms="memory://before")
        server.namespace("/").emit("news")
        with pytest.raises(ConfigurationError, match="spawned or sent before"):
            server.run("127.0.0.1", 0, workers=2)
        while not server.leave_others():
            pass

    def test_an_address_that_cannot_be_listened_on_is_an_error_before_any_is_started(self):
        server = Server({"/": Chat}, async_mode="threads")
        with pytest.raises(ConfigurationError, match="cannot listen on port 99999"):
            server.run("127.0.0.1", 99999, workers=2)

    def test_a_worker_has_the_brokers_of_all_unless_it_was_given_one(self):
        default = Server({"/": Chat}, async_mode="threads")
        default.share("memory://workers")
        assert default.health().broker == "memory://workers"
        given = Server({"/": Chat}, async_mode="threads", rooms="memory://given")
        given.share("memory://workers")
        assert given.health().broker == "memory://given"


def test_rooms_may_be_managed_by_the_applications_own_manager():
    class Counting(MemoryRoomManager):
        entered = 0

        def enter(self, path, sid, room):
            super().enter(path, sid, room)
            self.entered += 1

    rooms = Counting()
    server = Server({"/": Chat}, rooms=rooms)
    assert server.rooms is rooms


@pytest.mark.parametrize("url", ["memory://one", "redis://host", "redis+node://host"])
def test_shared_rooms_are_those_of_a_url_with_settings(url):
    plain = Server({"/": Chat}, async_mode="threads", rooms=url)
    chosen = Server({"/": Chat}, async_mode="threads", rooms=shared_rooms(url, forget_after=9))
    assert type(chosen.rooms) is type(plain.rooms)
    assert chosen.health().broker == plain.health().broker
    with pytest.raises(ConfigurationError, match="heartbeat=9"):
        shared_rooms(url, heartbeat=9)


def test_a_broker_for_servers_of_node_is_not_taken_for_one_without_them():
    with pytest.raises(ConfigurationError, match=r"redis\+node://host:6379.*shared_rooms"):
        ClusterRoomManager(NodeBroker("redis+node://host"))


def test_two_servers_do_not_meet():
    one, two = Server({"/": Chat}), Server({"/": Chat})
    assert one.namespace("/") is not two.namespace("/")
    assert one.engine.sockets is not two.engine.sockets
    assert one.rooms is not two.rooms


def test_what_is_left_of_clients_that_have_gone_needs_no_garbage_collector():
    server = Server({"/": Chat}, async_mode="threads")
    request = Request.of({"REQUEST_METHOD": "GET", "QUERY_STRING": "EIO=4&transport=websocket"})

    def come_and_go():
        websocket = WebSocket()
        with server.runtime.engine:
            ended = server.engine.opened(request, websocket)
            websocket.on_packet("40")
        until(lambda: b'40{"sid"' in websocket.written)
        with server.runtime.engine:
            ended("transport close")
        until(lambda: server.idle)

    def sessions():
        return sum(type(one) is Session for one in gc.get_objects())

    gc.collect()
    gc.disable()
    try:
        before = sessions()
        for _ in range(3):
            come_and_go()
        until(lambda: sessions() == before)
    finally:
        gc.enable()


def until(condition):
    end = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < end, "it did not come true"
        time.sleep(0.001)


def test_the_package_leaves_the_logging_of_the_process_alone():
    import logging

    Server({"/": Chat})
    for name in ("engineio", "engineio.server", "sionamespace"):
        logger = logging.getLogger(name)
        assert logger.level == logging.NOTSET
        assert not logger.handlers
