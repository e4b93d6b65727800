"""Engine.IO packets, heartbeat, upgrade, WebSocket frames, and how connections end."""

from __future__ import annotations

from deviations import (
    BAD_POST,
    BEFORE_IT_OPENS,
    CLOSE_PACKET,
    ECHO,
    PROBE,
    STRICT,
    TOLD,
    TOO_LARGE,
)
from exchanges import Exchange, exchange
from rows_http import CURRENT, OLD
from rows_socketio import KINDS, NEW, each
from steps import (
    ask,
    close_frame,
    cut,
    ended,
    fate,
    frame,
    hear,
    left,
    opened,
    outcome,
    poll,
    poll_begins,
    poll_ends,
    poll_is_woken,
    post,
    raw,
    refused,
    say,
    switch,
    sync,
    upgrade,
)

SOCKETS, POLLS = ("websocket", "websocket3"), ("polling", "polling3", "binary3", "jsonp3")
PAIRS = ("polling", "polling3", "binary3")

WANTED = {
    "PONG": TOLD,
    "PONG with data": TOLD,
    "PING": TOLD,
    "PING with data": (TOLD, ECHO),
    "unknown type": (BAD_POST, TOLD),
    "letter": (BAD_POST, TOLD),
}

PACKETS = [
    *(
        row
        for name, packet in {
            "OPEN": "0{}",
            "PONG": "3",
            "PONG with data": "3probe",
            "UPGRADE": "5",
            "NOOP": "6",
            "PING": "2",
            "PING with data": "2probe",
            "unknown type": "9",
            "letter": "hello",
        }.items()
        for row in each(f"packet: {name}", say(packet), fate(), wanted=WANTED.get(name, ()))
    ),
    *each("packet: nothing", say(""), fate(), kinds=SOCKETS),
    *each(
        "binary packet of revision 3 without its type",
        frame(b"\x07abc", 2),
        fate(),
        kinds=("websocket3",),
        wanted=STRICT,
    ),
    *each(
        "binary packet of revision 3 that is a text",
        frame(b"\x03", 2),
        fate(),
        kinds=("websocket3",),
    ),
    *each(
        "binary packet in text",
        say('451-0["echo",{"_placeholder":true,"num":0}]', "bAQL/"),
        fate(),
        kinds=("websocket",),
    ),
    *each(
        "binary packet in text 3",
        say('451-0["echo",{"_placeholder":true,"num":0}]', "b4AQL/"),
        fate(),
        kinds=("websocket3",),
    ),
    exchange(
        "WebSocket with b64",
        opened("websocket", "&b64=1"),
        say("40"),
        hear(),
        say('42["binary"]'),
        hear(3),
        sync(),
    ),
    exchange(
        "WebSocket 3 with b64", opened("websocket3", "&b64=1"), say('42["binary"]'), hear(3), sync()
    ),
    *each("CLOSE", say("1"), ended(), left(), kinds=PAIRS),
    *each("CLOSE after an event", say('420["echo"]', "1"), ended(), left(), kinds=PAIRS),
    *each("CLOSE before an event", say("1", '420["echo"]'), ended(), left(), kinds=PAIRS),
    *each("CLOSE", say("1"), fate(), kinds=SOCKETS, wanted=CLOSE_PACKET),
    *each(
        "CLOSE with a poll waiting",
        poll_begins(),
        say("1"),
        poll_ends(),
        poll(),
        left(),
        kinds=PAIRS,
    ),
    *each(
        "event with a poll waiting",
        poll_begins(),
        say('420["echo",1]'),
        poll_ends(),
        sync(),
        kinds=PAIRS,
    ),
    *each(
        "the server closes with a poll waiting",
        poll_begins(),
        say('42["close"]'),
        poll_ends(),
        poll(),
        left(),
        kinds=PAIRS,
    ),
    *each(
        "the server disconnects with a poll waiting",
        poll_begins(),
        say('42["leave"]'),
        poll_ends(),
        left(),
        kinds=PAIRS,
    ),
    *each(
        "the server speaks and closes",
        say('42["say","a"]', '42["close"]'),
        poll(),
        poll(),
        left(),
        kinds=PAIRS,
    ),
    *each(
        "bad packet with a poll waiting",
        poll_begins(),
        say("49"),
        poll_ends(),
        poll(),
        left(),
        kinds=PAIRS,
    ),
    *each(
        "bad post with a poll waiting",
        poll_begins(),
        post(b"9"),
        poll_ends(),
        poll(),
        left(),
        kinds=PAIRS,
        wanted=BAD_POST,
    ),
    *each(
        "what follows a bad packet in a payload",
        say("49", '420["echo",1]'),
        ended(),
        left(),
        kinds=PAIRS,
    ),
    *each(
        "what comes before a bad packet in a payload",
        say('420["echo",1]', "49"),
        ended(),
        left(),
        kinds=PAIRS,
    ),
    *each(
        "payload of 100 packets",
        say(*['42["say","x"]'] * 99, '420["echo"]'),
        hear(100),
        kinds=PAIRS,
    ),
]

FRAMES = [
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

PROBED = (upgrade(), say("2probe", by="upgrade"), hear(by="upgrade"))

UPGRADES = [
    *each("upgrade", *PROBED, say("5", by="upgrade"), switch(), sync(), kinds=PAIRS),
    *each(
        "upgrade: without a probe",
        upgrade(),
        say("5", by="upgrade"),
        fate(),
        kinds=PAIRS,
        wanted=PROBE,
    ),
    *each(
        "upgrade: another probe",
        upgrade(),
        say("2hello", by="upgrade"),
        outcome(by="upgrade"),
        fate(),
        kinds=PAIRS,
    ),
    *each(
        "upgrade: two probes",
        *PROBED,
        say("2probe", by="upgrade"),
        hear(by="upgrade"),
        say("5", by="upgrade"),
        switch(),
        sync(),
        kinds=PAIRS,
    ),
    *each(
        "upgrade: a message before",
        upgrade(),
        say('420["echo"]', by="upgrade"),
        outcome(by="upgrade"),
        fate(),
        kinds=PAIRS,
    ),
    *each(
        "upgrade: a message after the probe",
        *PROBED,
        say('420["echo"]', by="upgrade"),
        outcome(by="upgrade"),
        fate(),
        kinds=PAIRS,
    ),
    *each(
        "upgrade: an unknown packet",
        upgrade(),
        say("9", by="upgrade"),
        outcome(by="upgrade"),
        fate(),
        kinds=PAIRS,
    ),
    *each("upgrade: the WebSocket vanishes", upgrade(), cut(by="upgrade"), fate(), kinds=PAIRS),
    *each(
        "upgrade: the WebSocket vanishes after the probe",
        *PROBED,
        cut(by="upgrade"),
        fate(),
        kinds=PAIRS,
    ),
    *each(
        "upgrade: vanishes, and another comes",
        *PROBED,
        cut(by="upgrade"),
        sync(),
        *PROBED,
        say("5", by="upgrade"),
        switch(),
        sync(),
        kinds=("polling",),
    ),
    *each(
        "upgrade: two at once",
        *PROBED,
        refused("websocket", "&sid={sid}"),
        say("5", by="upgrade"),
        switch(),
        sync(),
        kinds=("polling",),
        wanted=BEFORE_IT_OPENS,
    ),
    *each(
        "upgrade: twice",
        *PROBED,
        say("5", by="upgrade"),
        switch(),
        refused("websocket", "&sid={sid}"),
        sync(),
        kinds=("polling",),
        wanted=BEFORE_IT_OPENS,
    ),
    *each(
        "upgrade: with a poll waiting",
        poll_begins(),
        *PROBED,
        poll_is_woken(),
        say("5", by="upgrade"),
        switch(),
        sync(),
        kinds=PAIRS,
    ),
    *each(
        "upgrade: messages on both sides of it",
        *PROBED,
        say('420["echo",0]', '421["echo",1]'),
        say("5", by="upgrade"),
        switch(),
        say('422["echo",2]'),
        hear(3),
        sync(),
        kinds=PAIRS,
    ),
    *each(
        "upgrade: polled after it",
        *PROBED,
        say("5", by="upgrade"),
        switch(),
        sync(),
        ask("GET", CURRENT + "&sid={sid}"),
        sync(),
        kinds=("polling",),
    ),
    *each(
        "upgrade: posted to after it",
        *PROBED,
        say("5", by="upgrade"),
        switch(),
        sync(),
        ask("POST", CURRENT + "&sid={sid}", b'42["echo"]'),
        sync(),
        kinds=("polling",),
    ),
    *each(
        "upgrade: polled after it, 3",
        *PROBED,
        say("5", by="upgrade"),
        switch(),
        sync(),
        ask("GET", OLD + "&sid={sid}"),
        sync(),
        kinds=("polling3",),
    ),
    *each(
        "upgrade: CLOSE while probing",
        *PROBED,
        say("1"),
        ended(by="upgrade"),
        ended(),
        left(),
        kinds=PAIRS,
    ),
    *each(
        "upgrade: the server closes while probing",
        *PROBED,
        say('42["close"]'),
        say("5", by="upgrade"),
        ended(by="upgrade"),
        left(),
        kinds=PAIRS,
    ),
    *each(
        "upgrade: binary after it",
        *PROBED,
        say("5", by="upgrade"),
        switch(),
        say('42["binary"]'),
        hear(3),
        say('451-0["echo",{"_placeholder":true,"num":0}]', b"\0\xff"),
        hear(2),
        kinds=PAIRS,
    ),
    *each(
        "upgrade: without b64",
        upgrade(),
        say("2probe", by="upgrade"),
        hear(by="upgrade"),
        say("5", by="upgrade"),
        switch(),
        say('42["binary"]'),
        hear(3),
        kinds=("polling3", "jsonp3"),
    ),
    *each(
        "upgrade: CLOSE after it",
        *PROBED,
        say("5", by="upgrade"),
        switch(),
        say("1"),
        fate(),
        kinds=PAIRS,
        wanted=CLOSE_PACKET,
    ),
    *each(
        "upgrade: not done in time",
        *PROBED,
        ended(by="upgrade"),
        fate(),
        kinds=PAIRS,
        server="probed",
    ),
    *each(
        "upgrade: not probed in time",
        upgrade(),
        ended(by="upgrade"),
        fate(),
        kinds=PAIRS,
        server="probed",
    ),
]

TIMES = [
    *(
        exchange(f"ping timeout ({kind})", opened(kind), hear(), ended(), server="pinging")
        for kind in NEW
    ),
    *(
        exchange(f"ping timeout ({kind})", opened(kind), ended(), server="pinging")
        for kind in KINDS[2:]
    ),
    *(
        exchange(
            f"pongs ({kind})",
            opened(kind),
            hear(),
            say("3"),
            hear(),
            say("3"),
            hear(),
            server="pinging",
        )
        for kind in NEW
    ),
    *(
        exchange(
            f"ping timeout with a poll waiting ({kind})",
            opened(kind),
            poll_begins(),
            poll_ends(),
            poll(),
            server="pinging",
        )
        for kind in PAIRS
    ),
    exchange(
        "ping timeout, told why", opened("websocket"), say("40"), ended(), left(), server="pinging"
    ),
    exchange("ping timeout, told why, 3", opened("websocket3"), ended(), left(), server="pinging"),
    *(
        exchange(f"no namespace in time ({kind})", opened(kind), ended(), server="unjoined")
        for kind in NEW
    ),
    *(
        exchange(
            f"no namespace in time with a poll waiting ({kind})",
            opened(kind),
            poll_begins(),
            poll_ends(),
            poll(),
            server="unjoined",
        )
        for kind in NEW[:1]
    ),
    *(
        exchange(
            f"refused, and no namespace in time ({kind})",
            opened(kind),
            say("40/door,"),
            hear(),
            ended(),
            server="unjoined",
        )
        for kind in NEW
    ),
]

ROWS: list[Exchange] = [*PACKETS, *FRAMES, *UPGRADES, *TIMES]
