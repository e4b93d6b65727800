"""WebSocket frames, and how a WebSocket ends."""

from __future__ import annotations

from clients import SOCKETS, each
from deviations import (
    TOO_LARGE,
)
from steps import (
    close_frame,
    cut,
    ended,
    fate,
    frame,
    hear,
    left,
    raw,
    say,
    sync,
)

ROWS = [
    *each("the client says goodbye", close_frame(1000), ended(), left(), kinds=SOCKETS),
    *each("the client goes away", close_frame(1001), ended(), left(), kinds=SOCKETS),
    *each(
        "the client says goodbye without a code", close_frame(None), ended(), left(), kinds=SOCKETS
    ),
    *each(
        "the client says goodbye with its own code",
        close_frame(4000),
        ended(),
        left(),
        kinds=SOCKETS,
    ),
    *each("goodbye with a bad code", close_frame(999), ended(), left(), kinds=SOCKETS),
    *each("the connection is cut", cut(), left(), kinds=SOCKETS),
    *each("frame: ping", frame(b"hello", 9), sync(), kinds=SOCKETS),
    *each("frame: pong", frame(b"hello", 10), sync(), kinds=SOCKETS),
    *each(
        "frame: fragments",
        frame(b'420["echo","\xc3', 1, 0),
        frame(b"hi", 9),
        frame(b"\xbc", 0, 0),
        frame(b'"]', 0, 1),
        hear(),
        kinds=SOCKETS,
    ),
    *each("frame: not UTF-8", frame(b'420["\xff"]'), ended(), left(), kinds=SOCKETS),
    *each("frame: continuation of nothing", frame(b"x", 0), ended(), left(), kinds=SOCKETS),
    *each(
        "frame: message in a message",
        frame(b"4", 1, 0),
        frame(b"4"),
        ended(),
        left(),
        kinds=SOCKETS,
    ),
    *each("frame: no mask", raw(b"\x81\x0542[1]"), ended(), left(), kinds=SOCKETS),
    *each("frame: reserved bits", raw(b"\xf1\x80\0\0\0\0"), ended(), left(), kinds=SOCKETS),
    *each("frame: reserved opcode", raw(b"\x83\x80\0\0\0\0"), ended(), left(), kinds=SOCKETS),
    *each("frame: long ping", frame(b"x" * 126, 9), ended(), left(), kinds=SOCKETS),
    *each("frame: ping in fragments", frame(b"x", 9, 0), ended(), left(), kinds=SOCKETS),
    *each("frame: HTTP", raw(b"GET / HTTP/1.1\r\n\r\n"), ended(), left(), kinds=SOCKETS),
    *each(
        "frame: at the limit",
        frame(b'420["echo","' + b"x" * 9_986 + b'"]'),
        fate(),
        kinds=SOCKETS,
        server="small",
    ),
    *each(
        "frame: past the limit",
        frame(b'420["echo","' + b"x" * 9_987 + b'"]'),
        ended(),
        left(),
        kinds=SOCKETS,
        server="small",
        wanted=TOO_LARGE,
    ),
    *each(
        "fragments past the limit",
        frame(b"4" * 6_000, 1, 0),
        frame(b"4" * 6_000, 0, 1),
        ended(),
        left(),
        kinds=SOCKETS,
        server="small",
        wanted=TOO_LARGE,
    ),
    *each(
        "binary past the limit",
        frame(b"4" * 10_001, 2),
        ended(),
        left(),
        kinds=SOCKETS,
        server="small",
        wanted=TOO_LARGE,
    ),
    *each(
        "attachments past the limit together",
        say('454-0["echo"]', *[b"x" * 4_000] * 4),
        fate(),
        kinds=SOCKETS,
        server="small",
        wanted=TOO_LARGE,
    ),
    *each(
        "frame: large answer", frame(b'420["echo","' + b"x" * 70_000 + b'"]'), fate(), kinds=SOCKETS
    ),
]
