"""The head of a request, without a web server."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sionamespace.serving.http import Malformed, Request


def parse(*headers, line="GET /a%20b?c=d HTTP/1.1"):
    return Request("\r\n".join([line, "Host: x", *headers, "", ""]), {"SERVER_NAME": "x"})


def test_it_is_an_environment():
    request = parse("Content-Type: text/plain", "X-Custom:  spaced \t", "Cookie: a; b")
    assert request.environ == {
        "SERVER_NAME": "x",
        "REQUEST_METHOD": "GET",
        "PATH_INFO": "/a b",
        "QUERY_STRING": "c=d",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "HTTP_HOST": "x",
        "CONTENT_TYPE": "text/plain",
        "CONTENT_LENGTH": "",
        "HTTP_X_CUSTOM": "spaced",
        "HTTP_COOKIE": "a; b",
    }


@pytest.mark.parametrize(
    "line",
    ["", "GET", "GET /", "GET / HTTP/2", "GET  / HTTP/1.1", "GET / HTTP/1.1 ", "G(T / HTTP/1.1"]
    + [
        f"GET {target} HTTP/1.1"
        for target in ("nowhere", "x:443", "ftp://x/", "http://", "http://u@x")
    ],
)
def test_a_line_that_is_none_is_refused(line):
    with pytest.raises(Malformed):
        parse(line=line)


@pytest.mark.parametrize(
    "header",
    [
        "no colon",
        "Name : x",
        " folded: x",
        ": x",
        "Bad(Name: x",
        "X: a\rY: b",
        "X: a\nY: b",
        "X: \0",
    ],
)
def test_headers_that_others_may_read_in_another_way_are_refused(header):
    with pytest.raises(Malformed):
        parse(header, "Last: 1")


@pytest.mark.parametrize(
    ("target", "host", "path"),
    [
        ("http://y", "y", "/"),
        ("HTTPS://y:80/a%20b?c", "y:80", "/a b"),
        ("http://[::1/", "[::1", "/"),
        ("*", "x", "*"),
    ],
)
def test_a_target_may_be_a_url_which_says_whose_it_is(target, host, path):
    environ = parse(line=f"OPTIONS {target} HTTP/1.1").environ
    assert (environ["HTTP_HOST"], environ["PATH_INFO"]) == (host, path)


@pytest.mark.parametrize("head", ["GET / HTTP/1.1", "GET / HTTP/1.1\r\nHost: x\r\nHost: y"])
def test_a_request_names_one_host(head):
    with pytest.raises(Malformed, match="Host"):
        Request(f"{head}\r\n\r\n", {})


def test_an_old_client_need_not_name_one():
    assert "HTTP_HOST" not in Request("GET / HTTP/1.0\r\n\r\n", {}).environ


@pytest.mark.parametrize(
    ("minor", "headers", "keeps"),
    [
        (1, [], True),
        (1, ["Connection: Close"], False),
        (1, ["Connection: x, close"], False),
        (0, [], False),
        (0, ["Connection: keep-alive"], True),
    ],
)
def test_whether_the_connection_may_be_used_again(minor, headers, keeps):
    assert parse(*headers, line=f"GET / HTTP/1.{minor}").keeps is keeps


@given(st.text(st.characters(codec="latin-1")))
def test_no_text_is_more_than_malformed(text):
    try:
        Request(text + "\r\n\r\n", {})
    except Malformed:
        return


@given(st.text("htp:/[]@*x", min_size=1))
def test_nor_is_any_target(target):
    try:
        parse(line=f"GET {target} HTTP/1.1")
    except Malformed:
        return


@given(st.text("GET /?HTP1.0\r\n:abc,-_\t ", max_size=60))
def test_nor_is_one_that_looks_like_a_request(text):
    try:
        Request(f"GET / HTTP/1.1\r\n{text}\r\n\r\n", {})
    except Malformed:
        return
