"""Engine.IO revision 3, for clients 1.x and 2.x."""

from __future__ import annotations

import json
import urllib.parse

import pytest

from sionamespace.protocol.engineio import Parcel
from sionamespace.protocol.engineio3 import decode_binary_payload, decode_payload

pytestmark = pytest.mark.wsgi_runtimes

TEXT = "EIO=3&transport=polling&b64=1&t=Q86kQ02"
BINARY = "EIO=3&transport=polling&t=Q86kQ02"
ONLY_BINARY = "EIO=3&transport=polling&t=1795409157698-0"


WEBSOCKET = "EIO=3&transport=websocket"
WEBSOCKET_WITHOUT_BINARY = "EIO=3&transport=websocket&b64=1"


class Polling:
    """A polling client of revision 3."""

    def __init__(self, site, handshake=TEXT):
        self._site = site
        self.opening = site.request("GET", handshake)
        packet = packets_of(self.opening)[0]
        self.sid = json.loads(packet[1:])["sid"]
        self.receiver = site.receivers[self.sid]
        self.link = self.receiver.link

    def poll(self, query=""):
        return self._site.request("GET", f"EIO=3&transport=polling&sid={self.sid}{query}")

    def post(self, body, query="", **environ):
        query = f"EIO=3&transport=polling&sid={self.sid}{query}"
        return self._site.request("POST", query, body, **environ)


def packets_of(reply):
    assert reply.status == 200
    if reply.headers["Content-Type"] == "application/octet-stream":
        return decode_binary_payload(reply.body)
    assert reply.headers["Content-Type"] == "text/plain; charset=UTF-8"
    return decode_payload(reply.body.decode(), doubled=False)


class TestHandshake:
    def test_with_msgpack_it_is_refused_as_the_parser_of_old_clients_is_another(self, make, caplog):
        reply = make(serializer="msgpack").request("GET", TEXT)
        assert reply.fault == (400, {"code": 5, "message": "Unsupported protocol version"})
        assert "(serializer='msgpack')" in caplog.text

    def test_a_client_that_takes_text_gets_text(self, site):
        client = Polling(site)
        assert client.opening.headers["Content-Type"] == "text/plain; charset=UTF-8"
        assert client.link.protocol == 4

    def test_one_that_takes_both_gets_text(self, site):
        opening = Polling(site, BINARY).opening
        assert opening.headers["Content-Type"] == "text/plain; charset=UTF-8"

    def test_one_that_takes_binary_only_gets_that(self, site):
        opening = Polling(site, ONLY_BINARY).opening
        assert opening.headers["Content-Type"] == "application/octet-stream"

    def test_it_can_be_turned_off(self, make):
        reply = make(legacy_clients=False).request("GET", TEXT)
        assert reply.fault == (400, {"code": 5, "message": "Unsupported protocol version"})

    @pytest.mark.parametrize("eio", ["", "&EIO=2", "&EIO=5", "&EIO=x", "&EIO="])
    def test_no_other_revision_is_taken_for_it(self, site, eio):
        reply = site.request("GET", f"transport=polling{eio}")
        assert reply.fault == (400, {"code": 5, "message": "Unsupported protocol version"})

    @pytest.mark.parametrize("method", ["GET", "POST"])
    @pytest.mark.parametrize("eio", ["", "&EIO=4"])
    def test_a_session_keeps_its_revision(self, site, method, eio):
        sid = Polling(site).sid
        reply = site.request(method, f"transport=polling&sid={sid}{eio}", "1:6")
        assert reply.fault == (400, {"code": 3, "message": "Bad request"})

    def test_nor_does_one_of_revision_4_become_one_of_3(self, site):
        reply = site.request("GET", f"EIO=3&transport=polling&sid={site.open()}")
        assert reply.fault == (400, {"code": 3, "message": "Bad request"})

    def test_an_origin_without_a_scheme_is_the_servers_own_if_its_host_is(self, site):
        assert site.request("GET", TEXT, HTTP_ORIGIN="testserver").status == 200
        assert site.request("GET", TEXT, HTTP_ORIGIN="elsewhere").status == 403
        assert site.request("GET", TEXT, HTTP_ORIGIN="server").status == 403
        assert site.handshake(HTTP_ORIGIN="testserver").status == 403


class TestPolling:
    def test_messages_are_ascii_text(self, site):
        client = Polling(site)
        client.link.send(Parcel.of_message('2["é😀"]'))
        reply = client.poll()
        assert reply.body == rb'24:42["\u00e9\ud83d\ude00"]'

    def test_binary_is_base64_for_those_that_take_no_other(self, site):
        client = Polling(site)
        client.link.send(Parcel.of_message("51-[]", (b"\x01",)))
        assert client.poll().body == b"6:451-[]6:b4AQ=="

    def test_and_makes_the_payload_binary_for_the_others(self, site):
        client = Polling(site, BINARY)
        client.link.send(Parcel.of_message("51-[]", (b"\x01",)))
        reply = client.poll()
        assert reply.headers["Content-Type"] == "application/octet-stream"
        assert packets_of(reply) == ["451-[]", b"\x01"]

    @pytest.mark.parametrize(("handshake", "binary"), [(TEXT, False), (BINARY, True)])
    def test_long_texts_are_binary_for_those_that_take_it(self, site, handshake, binary):
        client = Polling(site, handshake)
        for size in (49_000, 51_000):
            client.link.send(Parcel.of_message("2" + "x" * size))
            reply = client.poll()
            assert packets_of(reply) == ["42" + "x" * size]
            kind = reply.headers["Content-Type"]
            assert (kind == "application/octet-stream") is (binary and size > 50_000)

    def test_each_form_is_built_once_for_all(self, site):
        parcel = Parcel.of_message("2[]")
        clients = [Polling(site, form) for form in (TEXT, TEXT, BINARY, ONLY_BINARY)]
        for client in clients:
            client.link.send(parcel)
        replies = [client.poll() for client in clients]
        assert [packets_of(reply) for reply in replies] == [["42[]"]] * 4
        assert len(parcel._forms) == 2

    def test_posts_are_text_or_binary(self, site):
        client = Polling(site)
        assert client.post("2:4a6:b4AQI=").body == b"ok"
        binary = b"\x00\x02\xff4b\x01\x02\xff\x04\x07"
        client.post(binary, CONTENT_TYPE="application/octet-stream")
        assert client.receiver.messages == ["a", b"\x01\x02", "b", b"\x07"]

    @pytest.mark.parametrize("handshake", [TEXT, BINARY])  # from 1.4 on, in Node and in browsers
    def test_text_of_clients_1_is_decoded_twice(self, site, handshake):
        client = Polling(site, handshake)
        client.post("3:4Ã©")
        assert client.receiver.messages == ["é"]

    def test_who_once_said_what_cannot_be_doubled_is_never_decoded_twice_again(self, site):
        client = Polling(site)
        client.post("2:4é")
        client.post("3:4Ã©")
        assert client.receiver.messages == ["é", "Ã©"]

    def test_one_packet_tells_it_for_all_that_are_posted_with_it(self, site):
        client = Polling(site)
        client.post("3:4Ã©2:4é")
        assert client.receiver.messages == ["Ã©", "é"]

    @pytest.mark.parametrize("form", [TEXT, BINARY])
    def test_in_browsers_as_in_node(self, site, form):
        client = Polling(site, form)  # 1.7 posts text also when it takes binary
        client.post("3:4Ã©")
        assert client.receiver.messages == ["é"]

    def test_text_beyond_ascii_is_binary_for_who_takes_that(self, site):
        client = Polling(site, BINARY)  # 1.7 in a browser takes the bytes of text for characters
        client.link.send(Parcel.of_message("1/ö,"))
        assert client.poll().headers["Content-Type"] == "application/octet-stream"

    @pytest.mark.parametrize(
        ("joined", "left"), [("5:40/ö,", "5:41/ö,"), ("6:40/Ã¶,", "6:41/Ã¶,"), ("2:40", "5:41/ö,")]
    )
    def test_a_path_comes_back_as_the_client_wrote_it(self, site, joined, left):
        client = Polling(site)
        client.post(joined)
        client.link.send(Parcel.of_message("1/ö,"))
        assert client.poll().body.decode() == left

    def test_clients_until_1_3_are_known_by_their_requests(self, site):
        client = Polling(site, ONLY_BINARY + "&b64=1")
        client.link.send(Parcel.of_message("0/ö,"))
        assert client.poll().body.decode() == "6:40/Ã¶,"

    @pytest.mark.parametrize("kind", ["text/plain", "application/octet-stream"])
    def test_a_broken_post_closes(self, site, kind):
        client = Polling(site)
        reply = client.post(b"\xff4a", CONTENT_TYPE=kind)
        assert reply.fault == (400, {"code": 3, "message": "Bad request"})
        assert client.receiver.reasons == ["parse error"]

    def test_a_binary_post_of_revision_4_closes(self, site):
        sid = site.open()
        assert site.post(sid, b"4a", CONTENT_TYPE="application/octet-stream").status == 400
        assert site.receivers[sid].reasons == ["parse error"]

    def test_a_ping_is_answered_with_its_data(self, site):
        client = Polling(site)
        client.post("7:2prob😀")
        assert packets_of(client.poll()) == ["3prob😀"]

    def test_a_pong_closes(self, site):
        client = Polling(site)
        client.post("1:3")
        assert client.receiver.reasons == ["transport error"]


class TestWebSocket:
    def test_a_session_may_begin_with_one(self, site):
        client = site.websocket(query=WEBSOCKET)
        opened = json.loads(client.recv()[1:])
        (receiver,) = site.receivers.values()
        assert (opened["sid"], opened["upgrades"]) == (receiver.link.sid, [])
        assert (receiver.link.transport, receiver.link.protocol) == ("websocket", 4)

    def test_binary_has_its_type_before_it_both_ways(self, site):
        client = site.websocket(query=WEBSOCKET)
        client.recv()
        (receiver,) = site.receivers.values()
        receiver.link.send(Parcel.of_message("51-[]", (b"\x01",)))
        assert [client.recv(), client.recv()] == ["451-[]", b"\x04\x01"]
        client.send("451-[]", b"\x04\x02", "4echo")
        client.recv()
        assert receiver.messages == ["51-[]", b"\x02", "echo"]

    def test_text_is_not_escaped_nor_decoded_twice(self, site):
        client = site.websocket(query=WEBSOCKET)
        client.recv()
        client.send("4echo é😀 Ã©")
        assert client.recv() == "4echo é😀 Ã©"

    def test_binary_is_base64_for_those_that_take_no_other(self, site):
        client = site.websocket(query=WEBSOCKET_WITHOUT_BINARY)
        client.recv()
        (receiver,) = site.receivers.values()
        receiver.link.send(Parcel.of_message("51-[]", (b"\x01",)))
        assert [client.recv(), client.recv()] == ["451-[]", "b4AQ=="]
        client.send("b4Ag==", "4echo")
        client.recv()
        assert receiver.messages == [b"\x02", "echo"]

    def test_a_ping_is_answered_with_its_data(self, site):
        client = site.websocket(query=WEBSOCKET)
        client.recv()
        client.send("2", "2data")
        assert [client.recv(), client.recv()] == ["3", "3data"]

    @pytest.mark.parametrize("packet", ["7", "b5AA==", b"\x03a", b""])
    def test_what_is_no_packet_closes(self, site, packet):
        client = site.websocket(query=WEBSOCKET)
        client.recv()
        client.send(packet)
        assert client.recv() is None
        (receiver,) = site.receivers.values()
        site.until(lambda: receiver.reasons)
        assert receiver.reasons == ["parse error"]


class TestUpgrade:
    def test_nothing_is_lost_or_out_of_order(self, site):
        client = Polling(site)
        client.link.send(Parcel("4before"))
        assert packets_of(client.poll()) == ["4before"]
        poll = site.start_poll(client.sid)
        websocket = site.websocket(client.sid, WEBSOCKET)
        websocket.send("2probe")
        assert websocket.recv() == "3probe"
        client.link.send(Parcel("41"))
        received = packets_of(poll.wait())
        client.link.send(Parcel("42"))
        websocket.send("5", "4echo")
        while received[-1] != "4echo":
            received.append(websocket.recv())
        assert [packet for packet in received if packet != "6"] == ["41", "42", "4echo"]

    @pytest.mark.parametrize(
        ("handshake", "upgrade", "binary"),
        [
            (TEXT, WEBSOCKET, b"\x04\x01"),
            (BINARY, WEBSOCKET, b"\x04\x01"),
            (ONLY_BINARY, WEBSOCKET, b"\x04\x01"),
            (TEXT, WEBSOCKET_WITHOUT_BINARY, "b4AQ=="),
        ],
    )
    def test_binary_is_from_then_on_as_the_websockets_request_says(
        self, site, handshake, upgrade, binary
    ):
        client = Polling(site, handshake)
        websocket = site.websocket(client.sid, upgrade)
        websocket.send("2probe")
        assert websocket.recv() == "3probe"
        client.link.send(Parcel(b"\x01"))
        websocket.send("5")
        assert websocket.recv() == binary

    def test_a_failed_one_changes_nothing_of_polling(self, site):
        client = Polling(site)
        websocket = site.websocket(client.sid, WEBSOCKET)
        websocket.send("2probe")
        websocket.recv()
        websocket.drop()
        client.link.send(Parcel(b"\x01"))
        assert client.poll().body == b"6:b4AQ=="

    def test_a_websocket_of_another_revision_is_refused(self, site):
        query = f"EIO=4&transport=websocket&sid={Polling(site).sid}"
        reply = site.request("GET", query, HTTP_UPGRADE="websocket")
        assert reply.fault == (400, {"code": 3, "message": "Bad request"})


class TestScripts:
    @pytest.mark.parametrize("eio", ["3", "4"])
    def test_polls_are_calls_of_a_function(self, site, eio):
        reply = site.request("GET", f"EIO={eio}&transport=polling&b64=1&j=10")
        assert reply.headers["Content-Type"] == "text/javascript; charset=UTF-8"
        assert reply.headers["X-Content-Type-Options"] == "nosniff"
        assert reply.body.startswith(b'___eio[10]("')
        assert reply.body.endswith(b'");')

    def test_ends_of_lines_of_javascript_are_escaped(self, site):
        client = Polling(site)
        client.link.send(Parcel("3\u2028\u2029"))
        assert client.poll("&j=1").body == b'___eio[1]("3:3\\u2028\\u2029");'

    @pytest.mark.parametrize(
        "number", ["0;alert(1)", "alert(1)", "", "-1", "1.5", "0]", "%D9%A1", "9" * 11, "0%0A"]
    )
    def test_a_function_that_is_no_number_is_refused(self, site, number):
        for query in ("b64=1", f"sid={Polling(site).sid}"):
            reply = site.request("GET", f"EIO=3&transport=polling&{query}&j={number}")
            assert reply.fault == (400, {"code": 3, "message": "Bad request"})

    def test_what_would_end_a_text_or_a_script_is_escaped(self, site):
        client = Polling(site)
        client.link.send(Parcel.of_message('2["</script>\\"]'))
        assert client.poll("&j=1").body == rb"""___eio[1]("16:42[\"</script>\\\"]");"""

    def test_binary_is_base64(self, site):
        client = Polling(site)
        client.link.send(Parcel.of_message("51-[]", (b"\x01",)))
        assert client.poll("&j=1").body == b'___eio[1]("6:451-[]6:b4AQ==");'

    def test_a_session_that_takes_binary_gets_it_as_it_is(self, site):
        client = Polling(site, BINARY)
        client.link.send(Parcel.of_message("51-[]", (b"\x01",)))
        assert packets_of(client.poll("&j=1")) == ["451-[]", b"\x01"]

    @pytest.mark.parametrize("text", ["x" * 993, '"' * 993, "\u20ac" * 331])
    def test_the_limit_is_that_of_the_payload_and_not_of_its_form(self, make, text):
        site = make(max_message_bytes=1000)
        client = Polling(site)
        for more in ("", "x"):
            packet = "4" + text + more
            form = urllib.parse.urlencode({"d": f"{len(packet):05}:{packet}"})
            assert client.post(form, "&j=0").status == (413 if more else 200)
        assert client.receiver.messages == [text]
        assert client.receiver.reasons == ["message too large"]

    def test_a_form_has_a_limit_too(self, make):
        client = Polling(make(max_message_bytes=1000))
        assert client.post("d=1:6" + "&" * 4000, "&j=0").status == 413

    def test_errors_are_no_scripts(self, site):
        reply = site.request("GET", "EIO=3&transport=polling&sid=unknown&j=0")
        assert reply.fault[1]["code"] == 1

    @pytest.mark.parametrize(
        ("sent", "message"), [("a", "a"), ("a\\nb", "a\nb"), ("a\\\\nb", "a\\nb"), ("é+&", "é+&")]
    )
    def test_posts_are_forms(self, site, sent, message):
        client = Polling(site)
        form = urllib.parse.urlencode({"d": f"{len(message) + 1}:4{sent}"})
        assert client.post(form, "&j=0").body == b"ok"
        assert client.receiver.messages == [message]

    @pytest.mark.parametrize("form", ["", "e=2:4a", "d=%ff", "nonsense", "d"])
    def test_a_form_without_a_payload_closes(self, site, form):
        client = Polling(site)
        assert client.post(form, "&j=0").status == 400
        assert client.receiver.reasons == ["parse error"]
