from __future__ import annotations

import gzip
import zlib

import pytest

from sionamespace.protocol.engineio import Parcel, decode_payload
from sionamespace.protocol.engineio3 import decode_binary_payload
from tests.unit.engine.test_legacy import BINARY, Polling

TEXT = "4" + "hello " * 1000


def polled(site, accepted, *packets):
    sid = site.open()
    site.link(sid).send(Parcel(*(packets or (TEXT,))))
    return site.poll(sid, **({} if accepted is None else {"HTTP_ACCEPT_ENCODING": accepted}))


@pytest.mark.parametrize(
    ("accepted", "coding"),
    [
        ("gzip", "gzip"),
        ("deflate", "deflate"),
        ("GZip", "gzip"),
        ("gzip, deflate, br, zstd", "gzip"),
        ("deflate, gzip", "gzip"),
        ("br, gzip;q=0.8, deflate", "deflate"),
        ("gzip;q=0.5,deflate;q=0.6", "deflate"),
        ("gzip;q=0, deflate;q=0.001", "deflate"),
        ("gzip ; q = 0", None),
        ("gzip;q=0.000, *", "deflate"),
        ("*", "gzip"),
        ("*;q=0, deflate", "deflate"),
        ("identity, gzip;q=0.5", None),
        ("identity;q=0.5, gzip", "gzip"),
        ("gzip;q=high", None),
        ("gzip;q=nan", None),
        ("br", None),
        ("identity", None),
        ("gzipped", None),
        ("", None),
        (" , ;q=1", None),
        (None, None),
    ],
)
def test_a_payload_is_compressed_as_the_client_likes_it_best(site, accepted, coding):
    reply = polled(site, accepted)
    assert reply.headers.get("Content-Encoding") == coding
    plain = {None: bytes, "gzip": gzip.decompress, "deflate": zlib.decompress}[coding](reply.body)
    assert plain.decode() == TEXT
    assert reply.headers["Content-Length"] == str(len(reply.body))
    assert len(reply.body) < 200 or coding is None


@pytest.mark.parametrize("accepted", ["gzip", "br", None])
def test_a_cache_is_told_that_it_could_be_otherwise(site, accepted):
    assert polled(site, accepted).headers["Vary"] == "Accept-Encoding"


def test_a_payload_below_the_threshold_is_not(make):
    site = make(compression_threshold=100)
    for size in (99, 100):
        headers = polled(site, "gzip", "4" + "x" * (size - 1)).headers
        assert ("Content-Encoding" in headers) is (size == 100)
        assert headers.get("Vary") == ("Accept-Encoding" if size == 100 else None)


def test_it_can_be_switched_off(make):
    headers = polled(make(http_compression=False), "gzip").headers
    assert "Content-Encoding" not in headers
    assert "Vary" not in headers


def test_an_old_client_gets_its_payloads_compressed_too(site):
    client = Polling(site, BINARY)
    accepted = {"HTTP_ACCEPT_ENCODING": "gzip"}
    query = f"EIO=3&transport=polling&sid={client.sid}"
    for packets, decode in (
        ((TEXT,), lambda body: [body.decode().partition(":")[2]]),
        ((TEXT, bytes(2000)), decode_binary_payload),
    ):
        client.link.send(Parcel(*packets))
        reply = site.request("GET", query, **accepted)
        assert reply.headers["Content-Encoding"] == "gzip"
        assert decode(gzip.decompress(reply.body)) == list(packets)


def test_a_script_is_compressed_as_a_whole(site):
    client = Polling(site)
    client.link.send(Parcel(TEXT))
    query = f"EIO=3&transport=polling&sid={client.sid}&j=0"
    reply = site.request("GET", query, HTTP_ACCEPT_ENCODING="gzip")
    assert reply.headers["Content-Type"] == "text/javascript; charset=UTF-8"
    assert gzip.decompress(reply.body).decode() == f'___eio[0]("{len(TEXT)}:{TEXT}");'


class TestWhatIsNoPayload:
    @pytest.fixture
    def eager(self, make):
        return make(compression_threshold=0, cors_allowed_origins="*")

    def plain(self, reply):
        assert "Content-Encoding" not in reply.headers
        assert reply.headers["Vary"] == "Origin"
        return reply.body

    def test_a_preflight_has_no_body_at_all(self, eager):
        preflight = {"HTTP_ORIGIN": "https://example.com", "HTTP_ACCEPT_ENCODING": "gzip"}
        reply = eager.request("OPTIONS", "EIO=4&transport=polling", **preflight)
        assert self.plain(reply) == b""

    def test_the_answer_to_a_post_is_two_letters(self, eager):
        reply = eager.post(eager.open(), "4a", HTTP_ACCEPT_ENCODING="gzip")
        assert self.plain(reply) == b"ok"

    def test_a_refusal_can_be_read(self, eager):
        reply = eager.poll("unknown", HTTP_ACCEPT_ENCODING="gzip")
        assert b"Session ID unknown" in self.plain(reply)

    def test_a_payload_is_compressed_there(self, eager):
        reply = eager.handshake(HTTP_ACCEPT_ENCODING="gzip")
        (packet,) = decode_payload(gzip.decompress(reply.body).decode())
        assert packet.startswith('0{"sid":')
