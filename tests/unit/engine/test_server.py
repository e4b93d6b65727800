from __future__ import annotations

import gc
import json
import logging
import weakref
from contextlib import suppress

import pytest

from sionamespace.protocol.engineio import Parcel
from tests.unit.engine.front import PATIENCE
from tests.unit.engine.site import WEBSOCKET, Receiver

pytestmark = pytest.mark.wsgi_runtimes


class TestHandshake:
    def test_it_tells_the_session_and_the_servers_times_and_limits(self, make):
        site = make(ping_interval=0.5, ping_timeout=20, max_message_bytes=5000)
        (packet,) = site.handshake().packets
        assert packet[0] == "0"
        opened = json.loads(packet[1:])
        (sid,) = site.receivers
        assert opened == {
            "sid": sid,
            "upgrades": ["websocket"],
            "pingInterval": 500,
            "pingTimeout": 20000,
            "maxPayload": 5000,
        }

    @pytest.mark.parametrize("options", [{"allow_upgrades": False}, {"transports": "polling"}])
    def test_it_offers_no_upgrade_that_there_is_not(self, make, options):
        (packet,) = make(**options).handshake().packets
        assert json.loads(packet[1:])["upgrades"] == []

    def test_each_session_is_another(self, site):
        assert len({site.open() for _ in range(10)}) == 10

    def test_the_environ_is_kept_without_what_belongs_to_the_web_server(self, site):
        site.handshake(HTTP_COOKIE="a=b", **{"eventlet.posthooks": [], "headers_raw": ()})
        (receiver,) = site.receivers.values()
        assert receiver.environ["HTTP_COOKIE"] == "a=b"
        assert not {"wsgi.input", "eventlet.posthooks", "headers_raw"} & set(receiver.environ)

    def test_a_connection_that_is_closed_at_once_is_forgotten(self, site, monkeypatch):
        def turn_away(link, environ):
            receiver = Receiver(link, environ)
            link.receiver = receiver
            link.close("not today")
            return receiver

        monkeypatch.setattr(site.server, "_accept", turn_away)
        opened, *rest = site.handshake().packets
        sid = json.loads(opened[1:])["sid"]
        assert rest + (site.poll(sid).packets if sid in site.server.sockets else []) == ["1"]
        assert site.server.sockets == {}


class TestRefusals:
    @pytest.mark.parametrize(
        ("method", "query", "code", "message"),
        [
            ("GET", "EIO=4", 0, "Transport unknown"),
            ("GET", "EIO=4&transport=carrier-pigeon", 0, "Transport unknown"),
            ("GET", "EIO=4&transport=polling&sid=unknown", 1, "Session ID unknown"),
            ("POST", "EIO=4&transport=polling&sid=unknown", 1, "Session ID unknown"),
            ("GET", "EIO=4&transport=websocket&sid=unknown", 1, "Session ID unknown"),
            ("POST", "EIO=4&transport=polling", 2, "Bad handshake method"),
            ("HEAD", "EIO=4&transport=polling", 2, "Bad handshake method"),
            ("GET", "EIO=4&transport=websocket", 3, "Bad request"),
            ("GET", "EIO=2&transport=polling", 5, "Unsupported protocol version"),
            ("GET", "transport=polling", 5, "Unsupported protocol version"),
        ],
    )
    def test_each_has_its_code_and_message(self, site, method, query, code, message, caplog):
        found = site.request(method, query).fault
        assert found == (400, {"code": code, "message": message})
        (record,) = caplog.records
        assert record.levelno == logging.WARNING
        assert site.server.sockets == {}

    def test_a_transport_that_is_switched_off_is_unknown(self, make):
        site = make(transports=["websocket"])
        assert site.handshake().fault[1]["code"] == 0

    @pytest.mark.parametrize("method", ["PUT", "DELETE", "HEAD"])
    def test_a_session_is_polled_with_get_and_post_only(self, site, method):
        sid = site.open()
        found = site.request(method, f"EIO=4&transport=polling&sid={sid}").fault
        assert found == (400, {"code": 3, "message": "Bad request"})
        assert site.receivers[sid].reasons == []

    def test_a_polling_session_is_not_a_websocket_without_one(self, site):
        sid = site.open()
        found = site.request("GET", f"EIO=4&transport=websocket&sid={sid}").fault
        assert found[1]["code"] == 3

    def test_a_web_server_that_keeps_its_sockets_is_named_in_the_log(self, site, caplog):
        found = site.request("GET", "EIO=4&transport=websocket", **WEBSOCKET).fault
        assert found == (400, {"code": 3, "message": "Bad request"})
        assert "does not hand out its sockets" in caplog.text

    def test_a_bad_websocket_request_is_refused_and_leaves_no_session(self, site):
        environ = {**WEBSOCKET, "HTTP_SEC_WEBSOCKET_VERSION": "8", "eventlet.input": _Unused()}
        found = site.request("GET", "EIO=4&transport=websocket", **environ).fault
        assert found == (400, {"code": 3, "message": "Bad request"})
        assert site.server.sockets == {}

    def test_the_same_refusal_again_does_not_fill_the_log(self, site, caplog):
        for _ in range(5):
            site.request("GET", "EIO=2&transport=polling")
        assert len([r for r in caplog.records if r.levelno >= logging.WARNING]) == 1


class _Unused:
    def get_socket(self):
        return object()


class TestPolling:
    def test_a_poll_waits_until_there_is_something(self, site):
        sid = site.open()
        poll = site.start_poll(sid)
        assert not poll.done
        for word in ("a", "b"):
            site.link(sid).send(Parcel("4" + word, word.encode()))
        assert poll.wait().packets == ["4a", b"a", "4b", b"b"]

    def test_what_was_sent_between_polls_is_there_in_order(self, site):
        sid = site.open()
        for number in range(20):
            site.link(sid).send(Parcel(f"4{number}"))
        assert site.poll(sid).packets == [f"4{number}" for number in range(20)]

    def test_a_poll_is_answered_as_text_that_nobody_keeps(self, site):
        sid = site.open()
        site.link(sid).send(Parcel("4\u20ac"))
        reply = site.poll(sid)
        assert reply.headers["Content-Type"] == "text/plain; charset=UTF-8"
        assert reply.headers["Content-Length"] == str(len(reply.body)) == "4"
        assert reply.headers["Cache-Control"] == "no-store"

    def test_a_second_poll_ends_the_session(self, site):
        sid = site.open()
        first = site.start_poll(sid)
        assert site.poll(sid).fault == (400, {"code": 3, "message": "Bad request"})
        assert first.wait().packets == ["1"]
        assert site.receivers[sid].reasons == ["transport error"]
        assert site.poll(sid).fault[1]["code"] == 1

    def test_a_post_brings_many_packets_in_order(self, site):
        sid = site.open()
        reply = site.post(sid, "4a\x1ebAAE=\x1e3\x1e4\u20ac")
        assert (reply.status, reply.body) == (200, b"ok")
        assert site.receivers[sid].messages == ["a", b"\x00\x01", "\u20ac"]

    def test_an_answer_to_a_post_comes_with_the_poll(self, site):
        sid = site.open()
        poll = site.start_poll(sid)
        site.post(sid, "4echo 1\x1e4echo 2")
        assert poll.wait().packets == ["4echo 1", "4echo 2"]

    def test_a_client_closes_with_a_packet_and_its_poll_returns(self, site):
        sid = site.open()
        poll = site.start_poll(sid)
        site.post(sid, "4bye\x1e1\x1e4late")
        poll.wait()
        assert site.receivers[sid].messages == ["bye"]
        assert site.receivers[sid].reasons == ["transport close"]
        assert site.server.sockets == {}

    @pytest.mark.parametrize(
        "body", [b"", b"x", b"7", b"4a\x1e", b"b****", b"4\xff", b"\xf0\x9f"], ids=repr
    )
    def test_a_payload_that_is_none_ends_the_session_and_nothing_of_it_is_taken(self, site, body):
        sid = site.open()
        assert site.post(sid, body).fault == (400, {"code": 3, "message": "Bad request"})
        assert site.receivers[sid].messages == []
        assert site.receivers[sid].reasons == ["parse error"]

    def test_a_payload_with_a_good_beginning_is_not_taken_in_part(self, site):
        sid = site.open()
        site.post(sid, "4good\x1e7bad")
        assert site.receivers[sid].messages == []

    def test_a_payload_of_the_allowed_size_is_taken_and_a_larger_one_ends_the_session(self, make):
        site = make(max_message_bytes=100)
        sid = site.open()
        assert site.post(sid, "4" + "x" * 99).status == 200
        assert site.post(sid, "4" + "x" * 100).status == 413
        assert site.receivers[sid].messages == ["x" * 99]
        assert site.receivers[sid].reasons == ["message too large"]

    def test_a_post_that_breaks_off_ends_the_session(self, site):
        sid = site.open()
        assert site.post(sid, "4half", CONTENT_LENGTH="100").status == 400
        assert site.receivers[sid].messages == []
        assert site.receivers[sid].reasons == ["transport error"]

    def test_a_second_post_while_one_is_on_its_way_ends_the_session(self, site):
        sid = site.open()
        arrived = site.front.runtime.waiter()

        class Slow:
            def read(self, size):
                arrived.wait(PATIENCE)
                return b"4slow"

        first = site.front.start(site.post, sid, "4slow", **{"wsgi.input": Slow()})
        site.until(lambda: site.link(sid).posting)
        assert site.post(sid, "4fast").fault[1]["code"] == 3
        arrived.set()
        first.wait()
        assert site.receivers[sid].messages == []
        assert site.receivers[sid].reasons == ["transport error"]

    def test_posts_one_after_the_other_are_fine(self, site):
        sid = site.open()
        for word in "abc":
            assert site.post(sid, "4" + word).status == 200
        assert site.receivers[sid].messages == ["a", "b", "c"]


class TestTheEnd:
    def test_a_poll_that_waits_when_the_session_closes_is_told(self, site):
        sid = site.open()
        poll = site.start_poll(sid)
        site.link(sid).close("server disconnect")
        assert poll.wait().packets == ["1"]
        assert site.poll(sid).fault[1] == {"code": 1, "message": "Session ID unknown"}

    def test_messages_that_wait_when_it_closes_are_still_fetched_and_then_the_close(self, site):
        sid = site.open()
        site.link(sid).send(Parcel("4last words"))
        site.link(sid).close("server disconnect")
        assert site.poll(sid).packets == ["4last words"]
        assert site.poll(sid).packets == ["1"]
        assert site.poll(sid).fault[1]["code"] == 1

    def test_what_a_closed_session_still_posts_is_not_received(self, site):
        sid = site.open()
        site.link(sid).close("server disconnect")
        site.post(sid, "4late")
        assert site.receivers[sid].messages == []

    def test_a_session_that_nobody_fetches_any_more_is_forgotten_after_30_seconds(
        self, make, monkeypatch
    ):
        monkeypatch.setattr("sionamespace.engine.server._CLOSE_TIMEOUT", 0.2)
        site = make()
        sid = site.open()
        site.link(sid).send(Parcel("4last words"))
        site.link(sid).close("server disconnect")
        assert sid in site.server.sockets
        site.until(lambda: not site.server.sockets)

    def test_that_time_is_what_javascript_gives(self):
        from sionamespace.engine import server

        assert server._CLOSE_TIMEOUT == 30

    def test_a_client_that_answers_no_ping_is_closed(self, make):
        site = make(ping_interval=0.01, ping_timeout=0.01)
        sid = site.open()
        assert site.poll(sid).packets == ["2"]
        assert site.poll(sid).packets == ["1"]
        site.until(lambda: not site.server.sockets)
        assert site.receivers[sid].reasons == ["ping timeout"]

    def test_a_client_that_answers_lives_on(self, make):
        site = make(ping_interval=0.01, ping_timeout=20)
        sid = site.open()
        for _ in range(3):
            assert site.poll(sid).packets == ["2"]
            site.post(sid, "3")
        assert site.receivers[sid].reasons == []


class TestWebSocket:
    def test_a_session_may_begin_with_one(self, site):
        client = site.websocket()
        opened = json.loads(client.recv()[1:])
        (sid,) = site.receivers
        assert (opened["sid"], opened["upgrades"]) == (sid, [])
        assert site.link(sid).transport == "websocket"
        client.send("4hello", b"data", "4echo")
        assert client.recv() == "4echo"
        assert site.receivers[sid].messages == ["hello", b"data", "echo"]

    def test_one_that_wants_no_binary_gets_base64(self, site):
        client = site.websocket(query="EIO=4&transport=websocket&b64=1")
        client.recv()
        (receiver,) = site.receivers.values()
        receiver.link.send(Parcel("451-[]", b"\x01\x02\xff"))
        assert [client.recv(), client.recv()] == ["451-[]", "bAQL/"]

    def test_when_the_client_is_gone_the_session_is(self, site):
        client = site.websocket()
        client.recv()
        (receiver,) = site.receivers.values()
        client.drop()
        site.until(lambda: not site.server.sockets)
        assert receiver.reasons == ["transport close"]

    def test_what_is_left_of_one_that_is_gone_needs_no_garbage_collector(self, site):
        gc.disable()
        try:
            client = site.websocket()
            (sid,) = site.receivers
            left = weakref.ref(site.server.sockets[sid])
            client.drop()
            site.receivers.clear()
            site.until(lambda: left() is None)
        finally:
            gc.enable()

    def test_when_the_server_closes_it_the_last_message_arrives_before_the_goodbye(self, site):
        client = site.websocket()
        client.recv()
        (receiver,) = site.receivers.values()
        receiver.link.send(Parcel("4last words"))
        receiver.link.close("server disconnect")
        assert [client.recv(), client.recv()] == ["4last words", None]
        client.wait_for_the_end()
        site.until(lambda: not site.server.sockets)
        assert receiver.reasons == ["server disconnect"]

    def test_a_client_that_does_not_answer_the_goodbye_is_cut_off(self, make, monkeypatch):
        monkeypatch.setattr("sionamespace.engine.server._CLOSE_TIMEOUT", 0.01)
        site = make()
        client = site.websocket()
        (receiver,) = site.receivers.values()
        receiver.link.close("server disconnect")
        client.wait_for_the_end()
        site.until(lambda: not site.server.sockets)

    def test_a_message_that_is_too_large_closes_it_with_that_reason(self, make):
        site = make(max_message_bytes=100)
        client = site.websocket()
        (receiver,) = site.receivers.values()
        client.send("4" + "x" * 99)
        client.send("4" + "x" * 100)
        client.wait_for_the_end()
        site.until(lambda: receiver.reasons)
        assert receiver.messages == ["x" * 99]
        assert receiver.reasons == ["message too large"]

    def test_a_client_that_reads_nothing_is_closed_when_too_much_waits_for_it(self, make):
        site = make(max_outbox_bytes=100_000)
        client = site.websocket()
        (receiver,) = site.receivers.values()
        sent = 0
        while not receiver.reasons:
            receiver.link.send(Parcel("4" + "x" * 9_999))
            sent += 1
            assert sent < 10_000
        assert receiver.reasons == ["slow consumer"]
        client.wait_for_the_end()
        site.until(lambda: not site.server.sockets)

    def test_a_client_that_reads_slowly_gets_everything_in_order(self, site):
        client = site.websocket()
        client.recv()
        (receiver,) = site.receivers.values()
        words = [f"4{number} " + "x" * 10_000 for number in range(100)]
        for word in words:
            receiver.link.send(Parcel(word))
        assert [client.recv() for _ in words] == words

    def test_its_session_is_not_polled(self, site):
        client = site.websocket()
        sid = json.loads(client.recv()[1:])["sid"]
        assert site.poll(sid).fault[1]["code"] == 3
        assert site.post(sid, "4a").fault[1]["code"] == 3
        assert site.receivers[sid].messages == []

    def test_its_session_takes_no_second_one(self, site):
        client = site.websocket()
        sid = json.loads(client.recv()[1:])["sid"]
        found = site.request("GET", f"EIO=4&transport=websocket&sid={sid}", **WEBSOCKET).fault
        assert found == (400, {"code": 3, "message": "Bad request"})
        assert site.receivers[sid].reasons == []


class TestUpgrade:
    def test_with_a_poll_waiting_and_messages_on_the_way_nothing_is_lost_or_out_of_order(
        self, site
    ):
        sid = site.open()
        link = site.link(sid)
        poll = site.start_poll(sid)
        client = site.websocket(sid)
        client.send("2probe")
        assert client.recv() == "3probe"
        link.send(Parcel("41"))
        polled = poll.wait().packets
        link.send(Parcel("42"))
        client.send("5", "4echo 3")
        received = [*polled]
        while received[-1] != "4echo 3":
            received.append(client.recv())
        assert [packet for packet in received if packet != "6"] == ["41", "42", "4echo 3"]
        assert link.transport == "websocket"

    def test_when_the_upgraded_client_is_gone_the_session_is(self, site):
        sid = site.open()
        client = site.websocket(sid)
        client.send("2probe", "5")
        assert client.recv() == "3probe"
        site.until(lambda: site.link(sid).transport == "websocket")
        client.drop()
        site.until(lambda: not site.server.sockets)
        assert site.receivers[sid].reasons == ["transport close"]

    def test_when_it_breaks_off_polling_goes_on(self, site):
        sid = site.open()
        client = site.websocket(sid)
        client.send("2probe")
        client.recv()
        client.drop()
        poll = site.start_poll(sid)
        assert not poll.done
        site.link(sid).send(Parcel("4a"))
        assert poll.wait().packets == ["4a"]
        assert site.receivers[sid].reasons == []

    @pytest.mark.parametrize("probe", [[], ["2probe"]])
    def test_a_client_that_takes_too_long_is_cut_off_and_polling_goes_on(self, make, probe):
        site = make(upgrade_timeout=0.2)
        sid = site.open()
        client = site.websocket(sid)
        with suppress(ConnectionError):  # on a slow machine the time is over before
            client.send(*probe)
        client.wait_for_the_end()
        site.link(sid).send(Parcel("4a"))
        assert site.poll(sid).packets == ["4a"]

    def test_one_in_time_is_not_cut_off_later(self, make):
        site = make(upgrade_timeout=0.4)
        sid = site.open()
        client = site.websocket(sid)
        client.send("2probe", "5")
        client.recv()
        site.front.runtime.sleep(0.5)
        client.send("4echo")
        assert client.recv() == "4echo"

    def test_a_websocket_without_a_probe_does_not_take_over(self, site):
        sid = site.open()
        client = site.websocket(sid)
        client.send("5", "4injected")
        assert client.recv() is None
        assert site.link(sid).transport == "polling"
        assert site.receivers[sid].messages == []

    @pytest.mark.parametrize("state", ["upgrading", "closed"])
    def test_a_session_that_upgrades_already_or_has_closed_takes_no_upgrade(self, site, state):
        sid = site.open()
        if state == "upgrading":
            client = site.websocket(sid)
            client.send("2probe")
            client.recv()
        else:
            site.link(sid).close("server disconnect")
        found = site.request("GET", f"EIO=4&transport=websocket&sid={sid}", **WEBSOCKET).fault
        assert found == (400, {"code": 3, "message": "Bad request"})

    def test_a_session_that_closes_meanwhile_ends_by_its_websocket(self, site):
        sid = site.open()
        client = site.websocket(sid)
        client.send("2probe")
        client.recv()
        site.link(sid).send(Parcel("41"))
        site.link(sid).close("server disconnect")
        client.send("5")
        assert client.recv() == "41"
        assert client.recv() is None
        client.wait_for_the_end()
        site.until(lambda: not site.server.sockets)
        assert site.poll(sid).fault[1]["code"] == 1

    @pytest.mark.parametrize("sid", ["", "&sid={sid}"])
    def test_a_websocket_by_another_name_is_refused(self, site, sid):
        query = "EIO=4&transport=polling" + sid.format(sid=site.open())
        environ = {**WEBSOCKET, "eventlet.input": _Unused()}
        assert site.request("GET", query, **environ).fault[0] == 400

    def test_a_server_without_websockets_does_not_upgrade_by_another_name(self, make):
        site = make(transports="polling")
        sid = site.open()
        site.link(sid).send(Parcel("4a"))
        environ = {**WEBSOCKET, "eventlet.input": _Unused()}
        assert site.poll(sid, **environ).fault[0] == 400
        assert site.poll(sid).packets == ["4a"]
