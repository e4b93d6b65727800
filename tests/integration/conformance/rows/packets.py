"""Engine.IO packets, over each transport and in each revision."""

from __future__ import annotations

from clients import POLLS, SOCKETS, each
from deviations import (
    BAD_POST,
    CLOSE_PACKET,
    ECHO,
    STRICT,
    TOLD,
)
from exchanges import exchange
from steps import (
    ended,
    fate,
    frame,
    hear,
    left,
    opened,
    poll,
    poll_begins,
    poll_ends,
    post,
    say,
    sync,
)

WANTED = {
    "PONG": TOLD,
    "PONG with data": TOLD,
    "PING": TOLD,
    "PING with data": (TOLD, ECHO),
    "unknown type": (BAD_POST, TOLD),
    "letter": (BAD_POST, TOLD),
}


ROWS = [
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
    *each("CLOSE", say("1"), ended(), left(), kinds=POLLS),
    *each("CLOSE after an event", say('420["echo"]', "1"), ended(), left(), kinds=POLLS),
    *each("CLOSE before an event", say("1", '420["echo"]'), ended(), left(), kinds=POLLS),
    *each("CLOSE", say("1"), fate(), kinds=SOCKETS, wanted=CLOSE_PACKET),
    *each(
        "CLOSE with a poll waiting",
        poll_begins(),
        say("1"),
        poll_ends(),
        poll(),
        left(),
        kinds=POLLS,
    ),
    *each(
        "event with a poll waiting",
        poll_begins(),
        say('420["echo",1]'),
        poll_ends(),
        sync(),
        kinds=POLLS,
    ),
    *each(
        "the server closes with a poll waiting",
        poll_begins(),
        say('42["close"]'),
        poll_ends(),
        poll(),
        left(),
        kinds=POLLS,
    ),
    *each(
        "the server disconnects with a poll waiting",
        poll_begins(),
        say('42["leave"]'),
        poll_ends(),
        left(),
        kinds=POLLS,
    ),
    *each(
        "the server speaks and closes",
        say('42["say","a"]', '42["close"]'),
        hear(2),
        ended(),
        left(),
        kinds=POLLS,
    ),
    *each(
        "bad packet with a poll waiting",
        poll_begins(),
        say("49"),
        poll_ends(),
        poll(),
        left(),
        kinds=POLLS,
    ),
    *each(
        "bad post with a poll waiting",
        poll_begins(),
        post(b"9"),
        poll_ends(),
        poll(),
        left(),
        kinds=POLLS,
        wanted=BAD_POST,
    ),
    *each(
        "what follows a bad packet in a payload",
        say("49", '420["echo",1]'),
        ended(),
        left(),
        kinds=POLLS,
    ),
    *each(
        "what comes before a bad packet in a payload",
        say('420["echo",1]', "49"),
        ended(),
        left(),
        kinds=POLLS,
    ),
    *each(
        "payload of 100 packets",
        say(*['42["say","x"]'] * 99, '420["echo"]'),
        hear(100),
        kinds=POLLS,
    ),
]
