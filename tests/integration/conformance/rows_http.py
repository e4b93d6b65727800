"""Requests: handshakes, methods, origins, bodies."""

from __future__ import annotations

from deviations import (
    ANY_ORIGIN,
    ASCII,
    BAD_POST,
    BEFORE_IT_OPENS,
    METHODS,
    NO_ORIGIN,
    OPTIONS,
    ORIGINS,
    PREFLIGHTS,
    REVISION,
    SCRIPT_NUMBER,
    STRICT,
    TOLD,
    TOO_LARGE,
)
from exchanges import Exchange, exchange
from steps import (
    ask,
    ended,
    fate,
    hear,
    left,
    opened,
    poll,
    poll_begins,
    poll_ends,
    post,
    post_begins,
    post_breaks,
    refused,
    say,
    sync,
)

CURRENT, OLD = "EIO=4&transport=polling", "EIO=3&transport=polling&b64=1"
JOIN = (say("40"), hear())

HANDSHAKES = [
    exchange("handshake: polling", ask("GET", CURRENT)),
    exchange("handshake: polling 3", ask("GET", OLD)),
    exchange("handshake: polling 3, binary", ask("GET", "EIO=3&transport=polling")),
    exchange("handshake: JSONP", ask("GET", OLD + "&j=17")),
    exchange("handshake: JSONP without b64", ask("GET", "EIO=3&transport=polling&j=17")),
    exchange("handshake: JSONP with a bad number", ask("GET", OLD + "&j=alert(1)")),
    exchange("handshake: JSONP without a number", ask("GET", OLD + "&j=")),
    exchange("handshake: JSONP in revision 4", ask("GET", CURRENT + "&j=0")),
    exchange("handshake: WebSocket", opened("websocket"), *JOIN, sync()),
    exchange("handshake: WebSocket 3", opened("websocket3"), sync()),
    exchange("handshake: no EIO", ask("GET", "transport=polling"), wanted=REVISION),
    exchange("handshake: empty EIO", ask("GET", "EIO=&transport=polling"), wanted=REVISION),
    exchange("handshake: EIO 5", ask("GET", "EIO=5&transport=polling"), wanted=REVISION),
    exchange("handshake: EIO of text", ask("GET", "EIO=four&transport=polling"), wanted=REVISION),
    exchange("handshake: EIO 4 after 3", ask("GET", "EIO=3&EIO=4&transport=polling")),
    exchange(
        "handshake: no EIO, WebSocket", refused("transport=websocket", hears=2), wanted=REVISION
    ),
    exchange("handshake: no transport", ask("GET", "EIO=4")),
    exchange("handshake: unknown transport", ask("GET", "EIO=4&transport=pigeon")),
    exchange("handshake: transport of JavaScript", ask("GET", "EIO=4&transport=constructor")),
    exchange("handshake: WebTransport", ask("GET", "EIO=4&transport=webtransport")),
    exchange("handshake: unknown transport, WebSocket", refused("EIO=4&transport=pigeon")),
    exchange(
        "handshake: WebSocket for polling",
        refused("EIO=4&transport=polling"),
        wanted=BEFORE_IT_OPENS,
    ),
    exchange("handshake: no query", ask("GET", "")),
    exchange("handshake: WebSocket without a WebSocket", ask("GET", "EIO=4&transport=websocket")),
    *(
        exchange(f"handshake: {method}", ask(method, CURRENT))
        for method in ("POST", "PUT", "DELETE", "PATCH", "HEAD")
    ),
    exchange("handshake: OPTIONS", ask("OPTIONS", CURRENT), wanted=OPTIONS),
    exchange("handshake: empty sid", ask("GET", CURRENT + "&sid=")),
    exchange("handshake: old clients not allowed", ask("GET", OLD), server="current"),
    exchange(
        "handshake: old clients not allowed, WebSocket",
        refused("EIO=3&transport=websocket"),
        server="current",
        wanted=BEFORE_IT_OPENS,
    ),
    exchange("handshake: no polling", ask("GET", CURRENT), server="websocket"),
    exchange("handshake: only WebSocket", opened("websocket"), server="websocket"),
    exchange("handshake: no WebSocket", refused("websocket"), server="polling"),
    exchange("handshake: only polling", ask("GET", CURRENT), server="polling"),
    exchange("handshake: no upgrades", ask("GET", CURRENT), server="staying"),
    exchange("handshake: cookie", ask("GET", CURRENT), server="cookie"),
    exchange("handshake: limit", ask("GET", CURRENT), server="small"),
    exchange("handshake: pings", ask("GET", CURRENT), server="pinging"),
]

SESSIONS = [
    exchange("unknown sid", ask("GET", CURRENT + "&sid=nobody")),
    exchange("unknown sid, POST", ask("POST", CURRENT + "&sid=nobody", b"40")),
    exchange("unknown sid of JavaScript", ask("GET", CURRENT + "&sid=__proto__")),
    exchange("unknown sid, JSONP", ask("GET", OLD + "&j=3&sid=nobody")),
    exchange("unknown sid, WebSocket", refused("websocket", "&sid=nobody")),
    exchange("unknown sid, PUT", ask("PUT", CURRENT + "&sid=nobody", b"40")),
    *(
        exchange(
            f"session: {method}",
            opened("polling"),
            *JOIN,
            ask(method, CURRENT + "&sid={sid}"),
            sync(),
            wanted=METHODS if method != "OPTIONS" else OPTIONS,
        )
        for method in ("PUT", "DELETE", "PATCH", "HEAD", "OPTIONS")
    ),
    exchange(
        "session: polled with another revision",
        opened("polling"),
        *JOIN,
        ask("GET", OLD + "&sid={sid}"),
        sync(),
    ),
    exchange(
        "session 3: polled with another revision",
        opened("polling3"),
        ask("GET", CURRENT + "&sid={sid}"),
        sync(),
    ),
    exchange(
        "session: polled without a revision",
        opened("polling"),
        *JOIN,
        ask("GET", "transport=polling&sid={sid}"),
        sync(),
    ),
    exchange(
        "session: WebSocket without a WebSocket",
        opened("polling"),
        *JOIN,
        ask("GET", "EIO=4&transport=websocket&sid={sid}"),
        sync(),
    ),
    exchange(
        "session: no transport", opened("polling"), *JOIN, ask("GET", "EIO=4&sid={sid}"), sync()
    ),
    exchange(
        "session with a WebSocket: polled",
        opened("websocket"),
        *JOIN,
        ask("GET", CURRENT + "&sid={sid}"),
        sync(),
    ),
    exchange(
        "session with a WebSocket: posted to",
        opened("websocket"),
        *JOIN,
        ask("POST", CURRENT + "&sid={sid}", b'42["echo"]'),
        sync(),
    ),
    exchange(
        "session with a WebSocket: another",
        opened("websocket"),
        *JOIN,
        refused("websocket", "&sid={sid}"),
        sync(),
        wanted=BEFORE_IT_OPENS,
    ),
    exchange(
        "session: WebSocket of another revision",
        opened("polling"),
        *JOIN,
        refused("websocket3", "&sid={sid}"),
        sync(),
    ),
    exchange(
        "a second poll while one waits",
        opened("polling"),
        *JOIN,
        poll_begins(),
        poll(),
        poll_ends(),
        poll(),
        left(),
    ),
    exchange(
        "a second poll while one waits, 3",
        opened("polling3"),
        poll_begins(),
        poll(),
        poll_ends(),
        poll(),
        left(),
    ),
    exchange(
        "a second post meanwhile",
        opened("polling"),
        *JOIN,
        post_begins(b"42", 100),
        post(b'42["echo"]'),
        poll(),
        left(),
        wanted=TOLD,
    ),
    exchange(
        "a post that ends early",
        opened("polling"),
        *JOIN,
        post_begins(b"42", 100),
        post_breaks(),
        left(),
        poll(),
        poll(),
        wanted=TOLD,
    ),
    exchange("two polls, one after the other", opened("polling"), *JOIN, sync(), sync()),
]

BODIES = [
    exchange("post: answered", opened("polling"), post(b"40"), poll()),
    exchange("post 3: answered", opened("polling3"), post(b'12:42["echo",1]'), sync()),
    exchange(
        "post: no content type",
        opened("polling"),
        *JOIN,
        ask("POST", CURRENT + "&sid={sid}", b'420["echo"]'),
        hear(),
    ),
    *(
        exchange(f"post: {kind}", opened("polling"), *JOIN, post(b'420["echo"]', kind), hear())
        for kind in ("application/json", "text/html", "multipart/form-data; boundary=x")
    ),
    exchange(
        "post: octets",
        opened("polling"),
        *JOIN,
        post(b'42["echo"]', "application/octet-stream"),
        ended(),
        left(),
        wanted=(TOLD, BAD_POST),
    ),
    exchange(
        "post 3: octets that are text",
        opened("polling3"),
        post(b'12:42["echo",1]', "application/octet-stream"),
        ended(),
        left(),
        wanted=(BAD_POST, TOLD),
    ),
    exchange(
        "post 3: text that is octets",
        opened("binary3"),
        post(b"\0\1\xff3", "text/plain"),
        ended(),
        left(),
        wanted=(BAD_POST, TOLD),
    ),
    exchange(
        "post: at the limit",
        opened("polling"),
        *JOIN,
        say('420["echo","' + "x" * 9_986 + '"]'),
        server="small",
    ),
    exchange(
        "post: past the limit",
        opened("polling"),
        *JOIN,
        post(b"4" + b"x" * 10_000),
        fate(),
        server="small",
        wanted=TOO_LARGE,
    ),
    exchange(
        "post 3: past the limit",
        opened("polling3"),
        post(b"10001:4" + b"x" * 10_000),
        fate(),
        server="small",
        wanted=TOO_LARGE,
    ),
    exchange(
        "post: nothing",
        opened("polling"),
        *JOIN,
        post(b""),
        ended(),
        left(),
        wanted=(BAD_POST, TOLD),
    ),
    exchange(
        "post 3: nothing", opened("polling3"), post(b""), ended(), left(), wanted=(BAD_POST, TOLD)
    ),
    exchange("post 3: no packets", opened("polling3"), post(b"0:"), sync()),
    exchange(
        "post: unknown packet type",
        opened("polling"),
        *JOIN,
        post(b"9"),
        ended(),
        left(),
        wanted=(BAD_POST, TOLD),
    ),
    exchange(
        "post 3: unknown packet type",
        opened("polling3"),
        post(b"1:9"),
        ended(),
        left(),
        wanted=(BAD_POST, TOLD),
    ),
    exchange(
        "post: unknown packet type after others",
        opened("polling"),
        *JOIN,
        post(b'420["echo",1]\x1e9\x1e421["echo",2]'),
        ended(),
        left(),
        wanted=(BAD_POST, TOLD),
    ),
    exchange(
        "post: bad base64",
        opened("polling"),
        *JOIN,
        post(b"b%%%"),
        ended(),
        left(),
        wanted=BAD_POST,
    ),
    exchange(
        "post: not UTF-8",
        opened("polling"),
        *JOIN,
        post(b'420["echo","\xff"]'),
        fate(),
        wanted=(BAD_POST, STRICT),
    ),
    *(
        exchange(
            f"post 3: {name}",
            opened("polling3"),
            post(body),
            ended(),
            left(),
            wanted=(BAD_POST, TOLD),
        )
        for name, body in {
            "no length": b'42["echo"]',
            "a length of text": b'x:42["echo"]',
            "a length beyond the end": b'99:42["echo"]',
            "a length below zero": b'-1:42["echo"]',
            "half of it": b'10:42["echo"]3',
        }.items()
    ),
    *(
        exchange(
            f"binary post 3: {name}",
            opened("binary3"),
            post(body),
            fate(),
            wanted=(BAD_POST, TOLD, STRICT),
        )
        for name, body in {
            "a kind that is not": b"\2\1\xff3",
            "a length beyond the end": b"\0\1\1\xff3",
            "a digit above 9": b"\0\x0b\xff3",
            "unknown packet type": b"\0\1\xff9",
            "a binary packet without its type": b"\1\1\xffx",
        }.items()
    ),
    exchange(
        "JSONP post: answered",
        opened("jsonp3"),
        say('420["echo","a\\nb\\\\nc","ü"]'),
        hear(),
        wanted=ASCII,
    ),
    exchange(
        "JSONP post: new lines",
        opened("jsonp3"),
        post(b"d=" + b"16%3A420%5B%22echo%22%2C1%5D"),
        ended(),
        left(),
        wanted=(BAD_POST, TOLD),
    ),
    exchange("JSONP post: nothing", opened("jsonp3"), post(b""), fate(), wanted=(BAD_POST, STRICT)),
    exchange(
        "JSONP post: no form", opened("jsonp3"), post(b"hello"), fate(), wanted=(BAD_POST, STRICT)
    ),
    exchange(
        "JSONP post: another field",
        opened("jsonp3"),
        post(b"e=1"),
        fate(),
        wanted=(BAD_POST, STRICT),
    ),
    exchange(
        "JSONP post: no packet",
        opened("jsonp3"),
        post(b"d=hello"),
        ended(),
        left(),
        wanted=(BAD_POST, TOLD),
    ),
    exchange(
        "JSONP poll",
        opened("jsonp3"),
        say('42["say","line ends","\u2028\u2029\\u0001</script>"]'),
        poll(),
        wanted=ASCII,
    ),
    exchange(
        "JSONP poll with another number",
        opened("jsonp3"),
        say('42["say","x"]'),
        ask("GET", OLD + "&j=5&sid={sid}"),
        wanted=SCRIPT_NUMBER,
    ),
    exchange("JSONP poll without b64", opened("jsonp3"), say('42["binary"]'), poll()),
    exchange(
        "JSONP poll of a session without",
        opened("polling3"),
        say('42["say","x"]'),
        ask("GET", OLD + "&j=5&sid={sid}"),
        wanted=SCRIPT_NUMBER,
    ),
    exchange(
        "poll: compressed",
        opened("polling"),
        *JOIN,
        say('420["echo","' + "x" * 2000 + '"]'),
        ask("GET", CURRENT + "&sid={sid}", Accept_Encoding="gzip"),
        sync(),
    ),
    exchange(
        "poll: not compressed",
        opened("polling"),
        *JOIN,
        say('420["echo","' + "x" * 20 + '"]'),
        ask("GET", CURRENT + "&sid={sid}", Accept_Encoding="gzip"),
        sync(),
    ),
    exchange("poll: Internet Explorer", ask("GET", CURRENT, User_Agent="x ;MSIE 9; Trident/")),
]

A, B, C = ("http://a.example", "http://b.example", "http://c.example")

ORIGINS = [
    *(
        exchange(
            f"origin: {name} on {server}",
            ask("GET", CURRENT, Origin=origin),
            server=server,
            wanted=policy,
        )
        for server, policy in {
            "plain": ORIGINS,
            "listed": ORIGINS,
            "one": ORIGINS,
            "anybody": ANY_ORIGIN,
            "bare": ORIGINS,
        }.items()
        for name, origin in {"a": A, "c": C, "null": "null"}.items()
        if name != "a" or server in ("plain", "anybody")
    ),
    *(
        exchange(f"origin: a on {server}", ask("GET", CURRENT, Origin=A), server=server)
        for server in ("listed", "one", "bare")
    ),
    exchange(
        "preflight: a on listed",
        ask(
            "OPTIONS",
            CURRENT,
            Origin=A,
            Access_Control_Request_Method="POST",
            Access_Control_Request_Headers="content-type",
        ),
        server="listed",
        wanted=PREFLIGHTS,
    ),
    exchange("origin: none on listed", ask("GET", CURRENT), server="listed", wanted=NO_ORIGIN),
    exchange("origin: none on anybody", ask("GET", CURRENT), server="anybody", wanted=ANY_ORIGIN),
    *(
        exchange(
            f"preflight: {name} on {server}",
            ask(
                "OPTIONS",
                CURRENT,
                Origin=origin,
                Access_Control_Request_Method="POST",
                Access_Control_Request_Headers="content-type",
            ),
            server=server,
            wanted=policy,
        )
        for server, policy in {
            "plain": ORIGINS,
            "listed": ORIGINS,
            "anybody": (PREFLIGHTS, ANY_ORIGIN),
        }.items()
        for name, origin in {"a": A, "c": C}.items()
        if name != "a" or server != "listed"
    ),
    exchange("origin: WebSocket of a on listed", opened("websocket", Origin=A), server="listed"),
    exchange(
        "origin: WebSocket of c on listed",
        refused("websocket", hears=1, Origin=C),
        server="listed",
        wanted=ORIGINS,
    ),
    exchange(
        "origin: WebSocket of c on plain", refused("websocket", hears=1, Origin=C), wanted=ORIGINS
    ),
    exchange(
        "origin: error of a on listed",
        ask("GET", CURRENT + "&sid=nobody", Origin=A),
        server="listed",
    ),
    exchange(
        "origin: session of a on listed",
        opened("polling", Origin=A),
        say("40"),
        ask("GET", CURRENT + "&sid={sid}", Origin=A),
        server="listed",
        wanted=NO_ORIGIN,
    ),
    exchange(
        "origin: post of a on listed",
        opened("polling", Origin=A),
        ask("POST", CURRENT + "&sid={sid}", b"40", Origin=A),
        server="listed",
    ),
]

ROWS: list[Exchange] = [*HANDSHAKES, *SESSIONS, *BODIES, *ORIGINS]
