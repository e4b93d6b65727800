"""Clients that break the protocol: they are answered or closed, and nobody else notices.

Status codes and bodies are those of the JavaScript server (engine.io 6.6, socket.io 4.8), other
than where DESIGN.md, section 5, says that it is wrong.
"""

from __future__ import annotations

import contextlib
import json
import re
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import websocket
from child import MODES, ServerProcess
from raw_client import BASE, CLIENTS, Answer, Closed, Polling, RawClient, WebSocket, request

LIMIT = 1_000_000
PLACEHOLDER = '{"_placeholder":true,"num":%s}'
TEXT, BINARY, CONTINUATION = 1, 2, 0


@pytest.fixture(scope="module", params=[*MODES, "asyncio"])
def abused(request: pytest.FixtureRequest) -> Iterator[ServerProcess]:
    """A server for this module alone, so that its log shows what the abuse did."""
    started = ServerProcess(ping_timeout=60, async_mode=request.param)
    yield started
    started.stop()


@pytest.fixture(scope="module")
def decent(abused: ServerProcess) -> Iterator[list[RawClient]]:
    """Well-behaved clients that are connected all the while."""
    clients = [kind(abused) for kind in CLIENTS.values()]
    for client in clients:
        client.join("/chat", {"decent": True})
    yield clients
    for client in clients:
        client.close()


@pytest.fixture(autouse=True)
def nobody_else_notices(abused: ServerProcess, decent: list[RawClient]) -> Iterator[None]:
    mark = abused.mark()
    yield
    for client in decent:
        assert client.ask("echo", "still", {"here": client.transport}) == [
            "still",
            {"here": client.transport},
        ]
    assert "Traceback" not in abused.text(mark)


@pytest.fixture(params=list(CLIENTS))
def offender(request: pytest.FixtureRequest, abused: ServerProcess) -> Iterator[RawClient]:
    client = CLIENTS[request.param](abused)
    yield client
    client.close()


# What the Socket.IO protocol forbids. The client has joined /chat.

FORBIDDEN: dict[str, list[str | bytes]] = {
    "unknown packet type": ["49"],
    "unknown packet type 7": ['47/chat,["echo",1]'],
    "packet type that is no digit": ["4x"],
    "empty packet": ["4"],
    "JSON that ends early": ['42/chat,["echo"'],
    "JSON that goes on": ['42/chat,["echo",1]]'],
    "no JSON": ["42/chat,echo"],
    "JSON with NaN": ['42/chat,["echo",NaN]'],
    "JSON with a raw control character": ['42/chat,["echo","\x01"]'],
    "event without a payload": ["42/chat,"],
    "event that is an object": ['42/chat,{"echo":1}'],
    "event that is a text": ['42/chat,"echo"'],
    "event without a name": ["42/chat,[]"],
    "event whose name is null": ['42/chat,[null,"echo"]'],
    "event whose name is a list": ['42/chat,[["echo"]]'],
    "event whose name is true": ["42/chat,[true]"],
    "event named connect": ['42/chat,0["connect",{}]'],
    "event named disconnect": ['42/chat,0["disconnect","x"]'],
    "event named disconnecting": ['42/chat,["disconnecting"]'],
    "event named connect_error": ['42/chat,["connect_error",{}]'],
    "event named newListener": ['42/chat,["newListener"]'],
    "event named removeListener": ['42/chat,["removeListener"]'],
    "binary event named connect": [f'451-/chat,["connect",{PLACEHOLDER % 0}]', b"x"],
    "ack id of 20 digits": ['42/chat,12345678901234567890["echo"]'],
    "ack without a list": ['43/chat,1{"a":1}'],
    "ack without an id": ["43/chat,[1]"],
    "CONNECT with a list": ["40/door,[1]"],
    "CONNECT with a text": ['40/door,"me"'],
    "DISCONNECT with a payload": ['41/chat,{"a":1}'],
    "CONNECT_ERROR": ['44/chat,{"message":"no"}'],
    "event for a namespace never joined": ['42/door,["members"]'],
    "event for the root, never joined": ['42["echo"]'],
    "event for a namespace that is not there": ['42/nowhere,["echo"]'],
    "ack for a namespace never joined": ["43/door,0[]"],
    "DISCONNECT for a namespace never joined": ["41/door,"],
    "attachment that no packet announced": [b"binary"],
    "too many attachments": ['4511-/chat,["echo"]'],
    "very many attachments": ['459999999999-/chat,["echo"]'],
    "no attachments in a binary event": ['450-/chat,["echo"]'],
    "attachments not numbered": ['45/chat,["echo"]'],
    "attachments numbered wrong": ['45x-/chat,["echo"]'],
    "attachments numbered with a point": ['451.5-/chat,["echo"]'],
    "text instead of an attachment": [
        f'451-/chat,["echo",{PLACEHOLDER % 0}]',
        '42/chat,["echo"]',
    ],
    "placeholder beyond the attachments": [f'451-/chat,["echo",{PLACEHOLDER % 1}]', b"x"],
    "placeholder below zero": [f'451-/chat,["echo",{PLACEHOLDER % -1}]', b"x"],
    "placeholder of a text": [f'451-/chat,["echo",{PLACEHOLDER % "0".join(chr(34) * 2)}]', b"x"],
    "placeholder without a number": ['451-/chat,["echo",{"_placeholder":true}]', b"x"],
    "nested too deep": ['42/chat,["echo",' + "[" * 200 + "]" * 200 + "]"],
    "nested too deep by objects": ['42/chat,["echo",' + '{"a":' * 200 + "1" + "}" * 200 + "]"],
    "nested far too deep": ['42/chat,["echo",' + "[" * 100_000 + "]" * 100_000 + "]"],
    "nested far too deep and not closed": ["42/chat," + "[" * 100_000],
    "nested too deep in auth": ["40/door," + '{"a":' * 300 + "1" + "}" * 300],
}


@pytest.mark.parametrize("packets", FORBIDDEN.values(), ids=FORBIDDEN)
def test_a_packet_that_breaks_socketio_closes(
    abused: ServerProcess, offender: RawClient, packets: list[str | bytes]
) -> None:
    sid = offender.join("/chat")
    mark = abused.mark()

    offender.send(*packets)
    end = offender.drain()

    assert abused.reason(sid) == "parse error"
    assert abused.runs(sid) == (1, 1)
    assert end.code in (1000, None)
    assert logged(abused, mark, "closing a connection") == 1


# What the Engine.IO protocol forbids.

UNDECODABLE: dict[str, bytes] = {
    "unknown type": b"9",
    "unknown type among others": b'42/chat,["echo"]\x1e7x\x1e42/chat,["echo"]',
    "letter": b"hello",
    "nothing": b"",
    "nothing between separators": b'42/chat,["echo"]\x1e\x1e42/chat,["echo"]',
    "bad base64": b"b%%%",
    "base64 with a hole": b"bAA=A",
    "not UTF-8": b'42/chat,["echo","\xff"]',
}


@pytest.mark.parametrize("body", UNDECODABLE.values(), ids=UNDECODABLE)
def test_a_payload_that_is_not_engineio_is_400_and_closes(
    abused: ServerProcess, body: bytes
) -> None:
    offender = Polling(abused)
    sid = offender.join("/chat")
    mark = abused.mark()

    answer = offender.post_body(body)

    assert (answer.status, answer.json()) == (400, {"code": 3, "message": "Bad request"})
    assert abused.reason(sid) == "parse error"
    assert offender.poll().body == b"1"
    assert offender.poll().json() == {"code": 1, "message": "Session ID unknown"}
    assert logged(abused, mark, "refusing a request: a polled payload") == 1


@pytest.mark.parametrize("text", ["", "9", "hello", "\x1e"])
def test_a_frame_that_is_not_engineio_closes(abused: ServerProcess, text: str) -> None:
    offender = WebSocket(abused)
    sid = offender.join("/chat")
    mark = abused.mark()

    offender.send(text)

    assert offender.drain().code == 1000
    assert abused.reason(sid) == "parse error"
    assert logged(abused, mark, "closing a connection") == 1


def test_a_client_that_pings_is_closed(abused: ServerProcess, offender: RawClient) -> None:
    sid = offender.join("/chat")

    offender.send("2")
    offender.drain()

    assert abused.reason(sid) == "transport error"


@pytest.mark.parametrize("packet", ["0{}", "5", "6", "3", "3more"])
def test_a_packet_that_means_nothing_is_ignored(offender: RawClient, packet: str) -> None:
    offender.join("/chat")

    offender.send(packet)

    assert offender.ask("echo", packet) == [packet]


def test_an_answer_that_nobody_waits_for_is_ignored(offender: RawClient) -> None:
    offender.join("/chat")

    offender.send("43/chat,12345[1]", f"461-/chat,99[{PLACEHOLDER % 0}]", b"x")

    assert offender.ask("echo", 1) == [1]


def test_an_event_before_any_connect_closes(abused: ServerProcess, offender: RawClient) -> None:
    mark = abused.mark()

    offender.send('42/chat,["echo",1]')
    offender.drain()

    assert logged(abused, mark, "not joined") == 1
    assert abused.facts(mark) == []


def test_an_event_before_the_connect_is_answered_closes(
    abused: ServerProcess, offender: RawClient
) -> None:
    mark = abused.mark()

    offender.send("40/greeter,", '42/greeter,1["whoami"]')
    offender.drain()

    assert logged(abused, mark, "before it was joined") == 1


def test_a_close_packet_ends_without_complaint(abused: ServerProcess, offender: RawClient) -> None:
    sid = offender.join("/chat")
    mark = abused.mark()

    offender.send("1")

    assert abused.reason(sid) == "transport close"
    assert "WARNING" not in abused.text(mark)


def test_what_follows_the_fault_in_a_payload_is_not_done(abused: ServerProcess) -> None:
    offender, witness = Polling(abused), WebSocket(abused)
    offender.join("/chat")
    other = witness.join("/chat")

    offender.send("49", f'42/chat,["emit","leak",[],{{"room":"{other}"}}]')

    assert witness.ask("echo", 1) == [1]


def test_an_attachment_that_never_comes_runs_nothing(
    abused: ServerProcess, offender: RawClient
) -> None:
    sid = offender.join("/chat")

    offender.send(f'451-/chat,0["echo",{PLACEHOLDER % 0}]', "1")
    left = []
    with contextlib.suppress(Closed):
        left.append(offender.receive())

    assert left == []
    assert abused.reason(sid) == "transport close"


def test_a_namespace_that_is_not_there_is_refused(offender: RawClient) -> None:
    offender.send("40/nowhere,")
    assert offender.receive() == '44/nowhere,{"message":"Invalid namespace"}'

    offender.join("/chat")
    assert offender.ask("echo", 1) == [1]


def test_more_namespaces_than_allowed_are_refused(
    start_server: Callable[..., ServerProcess],
) -> None:
    client = WebSocket(start_server(max_namespaces=2))
    client.join("/")
    client.join("/chat")

    client.send("40/door,")

    assert client.receive() == '44/door,{"message":"too many namespaces on one connection"}'
    assert client.ask("echo", 1) == [1]
    client.close()


# WebSocket frames.


# Only the head of the frame that is too large is sent. With its body on the way, TCP may drop the
# server's goodbye.


@pytest.mark.parametrize("size", [LIMIT + 1, 2**40])
def test_a_frame_past_the_limit_is_1009(abused: ServerProcess, size: int) -> None:
    offender = WebSocket(abused)
    sid = offender.join("/chat")

    offender.socket.sock.sendall(b"\x81\xff" + size.to_bytes(8, "big") + bytes(4))

    assert offender.drain().code == 1009
    assert abused.reason(sid) == "message too large"


def test_a_frame_past_the_limit_with_its_body_ends_only_its_sender(abused: ServerProcess) -> None:
    offender = WebSocket(abused)
    sid = offender.join("/chat")

    with contextlib.suppress(ConnectionError):
        offender.send('42/chat,["echo","' + "x" * LIMIT + '"]')

    assert offender.drain().code in (1009, None)
    assert abused.reason(sid) == "message too large"


def test_fragments_past_the_limit_are_1009(abused: ServerProcess) -> None:
    offender = WebSocket(abused)
    sid = offender.join("/chat")

    offender.send_frame(b"4" * (LIMIT // 2), TEXT, fin=0)
    head = b"\x80\xff" + (LIMIT // 2 + 1).to_bytes(8, "big") + bytes(4)
    offender.socket.sock.sendall(head)

    assert offender.drain().code == 1009
    assert abused.reason(sid) == "message too large"


def test_a_frame_at_the_limit_is_taken(abused: ServerProcess) -> None:
    client = WebSocket(abused)
    client.join("/chat")
    head, tail = '42/chat,0["length","', '"]'

    client.send(head + "x" * (LIMIT - len(head) - len(tail)) + tail)

    assert '"length":999978' in str(client.receive())


def test_a_message_in_fragments_is_put_together(abused: ServerProcess) -> None:
    client = WebSocket(abused)
    client.join("/chat")
    whole = '42/chat,7["echo","ü😀"]'.encode()

    client.send_frame(whole[:20], TEXT, fin=0)  # in the middle of the emoji
    client.socket.ping("between")
    client.send_frame(whole[20:22], CONTINUATION, fin=0)
    client.send_frame(whole[22:], CONTINUATION, fin=1)

    assert client.receive() == '43/chat,7["ü😀"]'


@pytest.mark.parametrize(
    ("frames", "code"),
    [
        pytest.param([(b'42["\xff"]', TEXT, 1)], 1007, id="text that is not UTF-8"),
        pytest.param([(b"x", CONTINUATION, 1)], 1002, id="continuation of nothing"),
        pytest.param([(b"4", TEXT, 0), (b"4", TEXT, 1)], 1002, id="message inside a message"),
    ],
)
def test_a_frame_that_breaks_websocket_fails_with_its_code(
    abused: ServerProcess, frames: list[tuple[bytes, int, int]], code: int
) -> None:
    offender = WebSocket(abused)
    sid = offender.join("/chat")

    for frame in frames:
        offender.send_frame(*frame)

    assert offender.drain().code == code
    assert abused.reason(sid) == "transport error"


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"\x81\x0542[1]", id="frame without a mask"),
        pytest.param(b"\xf1\x80\0\0\0\0", id="reserved bits"),
        pytest.param(b"\x83\x80\0\0\0\0", id="reserved opcode"),
        pytest.param(b"GET / HTTP/1.1\r\n\r\n", id="HTTP"),
    ],
)
def test_bytes_that_are_no_frame_fail_with_1002(abused: ServerProcess, data: bytes) -> None:
    offender = WebSocket(abused)
    sid = offender.join("/chat")

    offender.socket.sock.sendall(data)

    assert offender.drain().code == 1002
    assert abused.reason(sid) == "transport error"


def test_a_connection_that_is_cut_ends(abused: ServerProcess) -> None:
    offender = WebSocket(abused)
    sid = offender.join("/chat")

    offender.close()

    assert abused.reason(sid) in ("transport close", "transport error")


# HTTP requests.

CODES = {
    0: "Transport unknown",
    1: "Session ID unknown",
    2: "Bad handshake method",
    3: "Bad request",
    4: "Forbidden",
    5: "Unsupported protocol version",
}

REFUSED = {
    "no EIO": ("GET", "transport=polling", 400, 5),
    "empty EIO": ("GET", "EIO=&transport=polling", 400, 5),
    "EIO 2": ("GET", "EIO=2&transport=polling", 400, 5),
    "EIO 5": ("GET", "EIO=5&transport=polling", 400, 5),
    "EIO of text": ("GET", "EIO=four&transport=polling", 400, 5),
    "no transport": ("GET", "EIO=4", 400, 0),
    "unknown transport": ("GET", "EIO=4&transport=carrier-pigeon", 400, 0),
    "transport of JavaScript": ("GET", "EIO=4&transport=constructor", 400, 0),
    "handshake by POST": ("POST", BASE, 400, 2),
    "handshake by PUT": ("PUT", BASE, 400, 2),
    "handshake by DELETE": ("DELETE", BASE, 400, 2),
    "unknown sid": ("GET", f"{BASE}&sid=nobody", 400, 1),
    "unknown sid by POST": ("POST", f"{BASE}&sid=nobody", 400, 1),
    "sid of JavaScript": ("GET", f"{BASE}&sid=__proto__", 400, 1),
    "WebSocket without a WebSocket": ("GET", "EIO=4&transport=websocket", 400, 3),
}


@pytest.mark.parametrize(("method", "query", "status", "code"), REFUSED.values(), ids=REFUSED)
def test_a_bad_request_is_answered_as_nodes_server_does(
    abused: ServerProcess, method: str, query: str, status: int, code: int
) -> None:
    mark = abused.mark()

    answer = request(abused, method, query, "x" if method == "POST" else None)

    assert_refused(answer, status, code)
    assert logged(abused, mark, "refusing a request") == 1


@pytest.mark.parametrize("query", ["EIO=2&transport=websocket", BASE + "&sid=nobody"])
def test_a_bad_websocket_request_is_answered(abused: ServerProcess, query: str) -> None:
    with pytest.raises(websocket.WebSocketBadStatusException) as refused:
        websocket.create_connection(f"ws://127.0.0.1:{abused.port}/socket.io/?{query}", timeout=30)

    assert refused.value.status_code == 400
    assert json.loads(refused.value.resp_body)["code"] in (1, 5)


def test_a_websocket_request_without_a_key_is_400(abused: ServerProcess) -> None:
    upgrade = {"Connection": "Upgrade", "Upgrade": "websocket"}

    answer = request(abused, "GET", "EIO=4&transport=websocket", headers=upgrade)

    assert answer.status == 400
    if abused.mode != "asyncio":  # where the web server answers, before it asks the application
        assert_refused(answer, 400, 3)


def test_a_foreign_origin_is_403(abused: ServerProcess) -> None:
    answer = request(abused, "GET", BASE, headers={"Origin": "http://evil.example"})

    assert_refused(answer, 403, 4)


def test_other_methods_on_a_session_are_400(abused: ServerProcess) -> None:
    client = Polling(abused)
    client.join("/chat")

    for method in ("PUT", "DELETE", "PATCH"):
        assert_refused(request(abused, method, client.query, "x"), 400, 3)
    assert_refused(request(abused, "GET", client.query.replace("polling", "websocket")), 400, 3)

    assert client.ask("echo", 1) == [1]


def test_a_session_with_a_websocket_cannot_be_polled(abused: ServerProcess) -> None:
    client = WebSocket(abused)
    client.join("/chat")
    query = f"{BASE}&sid={client.opened['sid']}"

    assert_refused(request(abused, "GET", query), 400, 3)
    assert_refused(request(abused, "POST", query, '42/chat,["echo"]'), 400, 3)

    assert client.ask("echo", 1) == [1]


def test_a_payload_past_the_limit_is_413(abused: ServerProcess) -> None:
    offender = Polling(abused)
    sid = offender.join("/chat")

    answer = offender.post_body(b"4" + b"x" * LIMIT)

    assert answer.status == 413
    assert abused.reason(sid) == "message too large"
    assert offender.poll().body == b"1"


def test_a_payload_past_the_limit_in_chunks_is_413(abused: ServerProcess) -> None:
    offender = Polling(abused)
    sid = offender.join("/chat")

    with contextlib.suppress(ConnectionError):  # it may answer before it has read everything
        answer = request(abused, "POST", offender.query, iter([b"4" + b"x" * (LIMIT // 2)] * 3))
        assert answer.status == 413

    assert abused.reason(sid) == "message too large"


def test_a_payload_at_the_limit_is_taken(abused: ServerProcess) -> None:
    client = Polling(abused)
    client.join("/chat")
    head, tail = '42/chat,0["length","', '"]'

    client.send(head + "x" * (LIMIT - len(head) - len(tail)) + tail)

    assert '"length":999978' in str(client.receive())


def test_a_payload_in_chunks_is_taken(abused: ServerProcess) -> None:
    client = Polling(abused)
    client.join("/chat")

    answer = request(abused, "POST", client.query, iter([b'42/chat,0["ec', b'ho","chunks"]']))

    assert (answer.status, answer.body) == (200, b"ok")
    assert client.receive() == '43/chat,0["chunks"]'


@pytest.mark.parametrize("chunked", [False, True])
def test_a_payload_that_ends_early_is_not_done(abused: ServerProcess, chunked: bool) -> None:
    """A client that dies while it posts has posted nothing."""
    offender, witness = Polling(abused), WebSocket(abused)
    sid = offender.join("/chat")
    other = witness.join("/chat")
    body = f'42/chat,["emit","leak",[],{{"room":"{other}"}}]'.encode()

    if chunked:
        sent = b"%x\r\n%b\r\n" % (len(body), body)
        send_part_of_a_post(abused, offender.query, sent, "Transfer-Encoding: chunked").close()
    else:
        length = f"Content-Length: {len(body) + 10}"
        send_part_of_a_post(abused, offender.query, body, length).close()

    assert abused.reason(sid) == "transport error"
    assert witness.ask("echo", 1) == [1]


def test_a_second_post_while_one_is_under_way_closes(abused: ServerProcess) -> None:
    offender = Polling(abused)
    sid = offender.join("/chat")

    with send_part_of_a_post(abused, offender.query, b"42/chat", "Content-Length: 100"):
        answer = offender.post('42/chat,["same",1]')
        while answer.status == 200:  # it overtook the first, on a connection of its own
            answer = offender.post('42/chat,["same",1]')
        assert_refused(answer, 400, 3)

        assert abused.reason(sid) == "transport error"


def test_a_second_poll_while_one_waits_closes_both(abused: ServerProcess) -> None:
    offender = Polling(abused)
    sid = offender.join("/chat")
    with ThreadPoolExecutor(2) as pool:
        polls = [pool.submit(offender.poll) for _ in range(2)]
        statuses = sorted(poll.result().status for poll in polls)
        bodies = {poll.result().status: poll.result().body for poll in polls}

    assert statuses == [200, 400]
    assert bodies[200] == b"1"
    assert json.loads(bodies[400]) == {"code": 3, "message": "Bad request"}
    assert abused.reason(sid) == "transport error"


# What is allowed, in the raw.


def test_200_packets_in_one_payload_are_answered_in_order(abused: ServerProcess) -> None:
    client = Polling(abused)
    client.join("/chat")

    client.send(*(f'42/chat,{n}["same",{n}]' for n in range(200)))

    assert [client.receive() for _ in range(200)] == [f"43/chat,{n}[{n}]" for n in range(200)]


def test_200_emits_with_attachments_in_one_answer_to_a_poll(abused: ServerProcess) -> None:
    client = Polling(abused)
    client.join("/chat")

    client.send(
        *(
            packet
            for n in range(200)
            for packet in (f'451-/chat,{n}["echo",{PLACEHOLDER % 0}]', bytes([n]))
        )
    )

    for n in range(200):
        assert client.receive() == f"461-/chat,{n}[{PLACEHOLDER % 0}]"
        assert client.receive() == bytes([n])


def test_the_handshake_says_what_nodes_does(abused: ServerProcess) -> None:
    polling, direct = Polling(abused), WebSocket(abused)

    for client, upgrades in ((polling, ["websocket"]), (direct, [])):
        sid = client.opened.pop("sid")
        assert isinstance(sid, str)
        assert len(sid) >= 20
        assert client.opened == {
            "upgrades": upgrades,
            "pingInterval": 25000,
            "pingTimeout": 60000,
            "maxPayload": LIMIT,
        }
    assert request(abused, "GET", BASE).headers["Content-Type"] == "text/plain; charset=UTF-8"


def test_a_volatile_emit_waits_for_nobody(abused: ServerProcess) -> None:
    away, other = Polling(abused), WebSocket(abused)
    sid = away.join("/chat")
    other.join("/chat")

    for volatile in (True, False):
        other.ask("emit", "seen", [volatile], {"room": sid, "volatile": volatile})

    assert away.receive() == '42/chat,["seen",false]'


# Upgrades.


def test_an_upgrade_keeps_what_waits_and_its_order(abused: ServerProcess) -> None:
    polling = Polling(abused)
    polling.join("/chat")
    upgrade = WebSocket(abused, polling.opened["sid"])

    upgrade.send("2probe")
    assert upgrade.socket.recv() == "3probe"
    polling.send(*(f'42/chat,{n}["same",{n}]' for n in range(50)))
    upgrade.send("5")
    for n in range(50, 100):
        upgrade.send(f'42/chat,{n}["same",{n}]')

    assert [upgrade.receive() for _ in range(100)] == [f"43/chat,{n}[{n}]" for n in range(100)]


def test_a_poll_that_waits_returns_when_the_upgrade_is_probed(abused: ServerProcess) -> None:
    polling = Polling(abused)
    polling.join("/chat")
    with ThreadPoolExecutor(1) as pool:
        poll = pool.submit(polling.poll)
        upgrade = WebSocket(abused, polling.opened["sid"])
        upgrade.send("2probe")
        assert upgrade.socket.recv() == "3probe"
        assert poll.result().body == b"6"
    upgrade.send("5")

    assert upgrade.ask("whoami")[0]["transport"] == "websocket"


@pytest.mark.parametrize("packets", [["5"], ["42/chat,[]"], ["2"], [b"2probe"], ["2probe", "4"]])
def test_a_websocket_that_does_not_upgrade_properly_is_closed_and_polling_goes_on(
    abused: ServerProcess, packets: list[str | bytes]
) -> None:
    polling = Polling(abused)
    polling.join("/chat")
    upgrade = WebSocket(abused, polling.opened["sid"])

    upgrade.send(*packets)
    upgrade.drain()

    assert polling.ask("whoami")[0]["transport"] == "polling"


def test_a_websocket_that_vanishes_before_the_upgrade_harms_nothing(abused: ServerProcess) -> None:
    polling = Polling(abused)
    polling.join("/chat")
    upgrade = WebSocket(abused, polling.opened["sid"])
    upgrade.send("2probe")
    assert upgrade.socket.recv() == "3probe"

    upgrade.close()

    assert polling.ask("echo", 1) == [1]


def test_a_session_upgrades_once(abused: ServerProcess) -> None:
    polling = Polling(abused)
    polling.join("/chat")
    upgrade = WebSocket(abused, polling.opened["sid"])
    upgrade.send("2probe")
    assert upgrade.socket.recv() == "3probe"
    upgrade.send("5")
    assert upgrade.ask("echo", 1) == [1]

    with pytest.raises(websocket.WebSocketBadStatusException) as refused:
        WebSocket(abused, polling.opened["sid"])

    assert json.loads(refused.value.resp_body) == {"code": 3, "message": "Bad request"}
    assert upgrade.ask("echo", 2) == [2]


# Clients that do not keep up.


def test_a_client_that_does_not_read_is_closed_and_the_others_go_on(
    abused: ServerProcess, decent: list[RawClient]
) -> None:
    slow, lazy, quick = WebSocket(abused), Polling(abused), WebSocket(abused)
    sids = [client.join("/chat") for client in (slow, lazy)]
    quick_sid = quick.join("/chat")

    sent = 0
    while not all(map(left(abused), sids)) and sent < 400:
        text = "x" * 100_000
        quick.send(
            f'42/chat,["emit","flood",["{text}"],{json.dumps({"room": [*sids, quick_sid]})}]'
        )
        assert str(quick.receive()).startswith('42/chat,["flood"')
        sent += 1

    assert [abused.reason(sid) for sid in sids] == ["slow consumer"] * 2
    assert quick.ask("echo", 1) == [1]


def left(server: ServerProcess) -> Callable[[str], bool]:
    return lambda sid: any(fact.get("left") == sid for fact in server.facts())


# Tools.


def logged(server: ServerProcess, since: int, text: str) -> int:
    """How many lines of the log have a text, also those of a fault that is no news any more.

    It waits for the first: a log line may be seen later than the answer that it is about.
    """
    server.wait_for(re.escape(text), since)
    return sum(text in line for line in server.lines[since:])


def assert_refused(answer: Answer, status: int, code: int) -> None:
    assert (answer.status, answer.json()) == (status, {"code": code, "message": CODES[code]})
    assert answer.headers["Content-Type"] == "application/json"


def send_part_of_a_post(
    server: ServerProcess, query: str, body: bytes, length: str
) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", server.port), timeout=30)
    connection.sendall(f"POST /socket.io/?{query} HTTP/1.1\r\nHost: x\r\n{length}\r\n\r\n".encode())
    connection.sendall(body)
    return connection
