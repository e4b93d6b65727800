from __future__ import annotations

import io
import json

import pytest

from sionamespace.engine.http import Fault, Request, Response


def request(query="", body=b"", **environ):
    return Request.of(
        {
            "REQUEST_METHOD": "POST",
            "QUERY_STRING": query,
            "CONTENT_LENGTH": str(len(body)),
            "wsgi.input": io.BytesIO(body),
            **environ,
        }
    )


class TestRequest:
    def test_its_query_is_decoded(self):
        found = request("EIO=4&transport=polling&t=a%20b+c&empty=")
        assert found.query == {"EIO": "4", "transport": "polling", "t": "a b c", "empty": ""}

    def test_a_request_without_a_query_has_none(self):
        assert Request.of({"REQUEST_METHOD": "GET"}).query == {}

    @pytest.mark.parametrize(("query", "sid"), [("sid=abc", "abc"), ("sid=", None), ("", None)])
    def test_a_handshake_has_no_session(self, query, sid):
        assert request(query).sid == sid

    @pytest.mark.parametrize(
        ("header", "expected"), [("websocket", True), ("WebSocket", True), ("h2c", False)]
    )
    def test_it_knows_whether_it_asks_for_a_websocket(self, header, expected):
        assert request(HTTP_UPGRADE=header).is_upgrade is expected
        assert request().is_upgrade is False

    def test_a_browser_names_the_origin_of_its_page(self):
        assert request(HTTP_ORIGIN="https://example.com").origin == "https://example.com"
        assert request().origin is None


class TestBody:
    @pytest.mark.parametrize("body", [b"", b"4hello", b"x" * 10])
    def test_a_body_up_to_the_limit_is_read(self, body):
        assert request(body=body).read_body(10) == body

    @pytest.mark.parametrize("size", [11, 12, 10_000])
    def test_a_larger_one_is_not_read_to_the_end(self, size):
        found = request(body=b"x" * size)
        assert found.read_body(10) is None
        assert found.environ["wsgi.input"].tell() <= 11

    def test_what_follows_a_body_is_left_there(self):
        found = request(body=b"4helloPOST /", CONTENT_LENGTH="6")
        assert found.read_body(10) == b"4hello"

    @pytest.mark.parametrize("length", ["", None])
    def test_a_body_without_a_length_is_empty(self, length):
        assert request(body=b"4hello", CONTENT_LENGTH=length).read_body(10) == b""

    @pytest.mark.parametrize("length", ["-1", "abc", "1e3", " ", "\u00b2", "9" * 5000])
    def test_a_length_that_is_none_is_treated_as_too_large(self, length):
        assert request(body=b"4hello", CONTENT_LENGTH=length).read_body(10) is None

    def test_a_body_in_chunks_has_no_length_and_the_same_limit(self):
        chunked = {"HTTP_TRANSFER_ENCODING": "Chunked", "CONTENT_LENGTH": None}
        assert request(body=b"4hello", **chunked).read_body(10) == b"4hello"
        assert request(body=b"x" * 11, **chunked).read_body(10) is None

    def test_a_client_that_leaves_in_the_middle_has_sent_nothing(self):
        with pytest.raises(EOFError, match="6 of 9"):
            request(body=b"4hello", CONTENT_LENGTH="9").read_body(10)

    @pytest.mark.parametrize("error", [ConnectionResetError("reset"), ValueError("bad chunk")])
    def test_a_connection_that_fails_in_the_middle_is_the_same(self, error):
        class Failing:
            def read(self, size):
                raise error

        with pytest.raises(EOFError, match=str(error)):
            request(body=b"x", **{"wsgi.input": Failing()}).read_body(10)


class TestResponse:
    @pytest.mark.parametrize(
        ("fault", "code", "message", "status"),
        [
            (Fault.UNKNOWN_TRANSPORT, 0, "Transport unknown", 400),
            (Fault.UNKNOWN_SID, 1, "Session ID unknown", 400),
            (Fault.BAD_HANDSHAKE_METHOD, 2, "Bad handshake method", 400),
            (Fault.BAD_REQUEST, 3, "Bad request", 400),
            (Fault.FORBIDDEN, 4, "Forbidden", 403),
            (Fault.UNSUPPORTED_PROTOCOL, 5, "Unsupported protocol version", 400),
        ],
    )
    def test_a_refusal_is_what_javascript_clients_read(self, fault, code, message, status):
        response = Response.refusal(fault)
        assert int(response.status.split()[0]) == status
        assert response.content_type == "application/json"
        assert json.loads(response.body) == {"code": code, "message": message}

    def test_a_payload_is_utf8(self):
        response = Response.payload("4\u20ac")
        assert response.body == b"4\xe2\x82\xac"
        assert response.content_type == "text/plain; charset=UTF-8"
