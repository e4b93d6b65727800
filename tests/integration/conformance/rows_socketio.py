"""Socket.IO packets, over each transport and in each revision."""

from __future__ import annotations

from deviations import (
    ASCII,
    CONNECT_AGAIN,
    HALF,
    LATE,
    NO_AUTH,
    NO_PAYLOAD,
    OLD_REFUSAL,
    QUERY,
    STRICT,
)
from exchanges import Exchange, exchange
from steps import answer, ended, fate, hear, left, opened, outcome, say, sync

KINDS = ("polling", "websocket", "polling3", "binary3", "websocket3")
NEW = KINDS[:2]
PART = '{"_placeholder":true,"num":%s}'


def joined(kind, path="/"):
    """A client in a namespace; one of revision 3 is in ``/`` without asking."""
    if path == "/":
        steps = (say("40"), hear())
        return (opened(kind), *(() if kind.endswith("3") else steps))
    return (opened(kind), say(f"40{path}" + ("" if kind.endswith("3") else ",")), hear())


def each(name, *steps, path="/", kinds=KINDS, **more):
    """The exchange, by clients of each kind that are in a namespace."""
    return [exchange(f"{name} ({kind})", *joined(kind, path), *steps, **more) for kind in kinds]


PACKETS: dict[str, list[str | bytes]] = {
    "unknown packet type": ["49"],
    "packet type that is no digit": ["4x"],
    "empty packet": ["4"],
    "JSON that ends early": ['42["echo"'],
    "JSON that goes on": ['42["echo",1]]'],
    "no JSON": ["42echo"],
    "JSON with NaN": ['42["echo",NaN]'],
    "event without a payload": ["42"],
    "event without a payload, with an id": ["420"],
    "event that is an object": ['42{"echo":1}'],
    "event that is a text": ['42"echo"'],
    "event without a name": ["42[]"],
    "event whose name is null": ["42[null]"],
    "event whose name is a list": ['42[["echo"]]'],
    "event whose name is true": ["42[true]"],
    "event whose name is a number": ["420[7,1]"],
    "event whose name is empty": ['420["",1]'],
    "event that nothing handles": ['420["unheard of",1]'],
    "event named __proto__": ['420["__proto__",1]'],
    **{
        f"event named {name}": [f'420["{name}",1]']
        for name in (
            "connect",
            "connect_error",
            "disconnect",
            "disconnecting",
            "newListener",
            "removeListener",
            "error",
            "connection",
        )
    },
    "ack for an id never asked": ["43123[1]"],
    "ack without an id": ["43[1]"],
    "ack without a payload": ["431"],
    "ack without either": ["43"],
    "ack that is an object": ['431{"a":1}'],
    "ack id of 20 digits": ['4212345678901234567890["echo"]'],
    "ack id below zero": ['42-1["echo"]'],
    "ack id with zeros in front": ['42007["echo"]'],
    "DISCONNECT with a payload": ["41{}"],
    "CONNECT_ERROR": ['44{"message":"no"}'],
    "event for a namespace not joined": ['42/chat,0["echo"]'],
    "event for a namespace that is not there": ['42/nowhere,0["echo"]'],
    "ack for a namespace not joined": ["43/chat,0[]"],
    "DISCONNECT of a namespace not joined": ["41/chat,"],
    "binary that no packet announced": [b"binary"],
    "binary event": [f'451-0["echo",{PART % 0}]', b"\x00\xff"],
    "binary event with two parts": [f'452-0["echo",{PART % 1},{PART % 0}]', b"first", b"second"],
    "binary event with a part that is not used": ['451-0["echo"]', b"x"],
    "binary event with a part used twice": [f'451-0["echo",{PART % 0},{PART % 0}]', b"x"],
    "binary event with 10 parts": ['4510-0["echo"]', *[b"x"] * 10],
    "binary event with 11 parts": ['4511-0["echo"]'],
    "binary event with no parts": ['450-0["echo"]'],
    "binary event without a number of parts": ['450["echo"]'],
    "binary event with a bad number of parts": ['45x-0["echo"]'],
    "binary event with a number of parts with a point": ['451.0-0["echo"]', b"x"],
    "binary event of a reserved name": ['451-0["connect"]', b"x"],
    "binary ack for an id never asked": [f"461-5[{PART % 0}]", b"x"],
    "text instead of a part": [f'451-0["echo",{PART % 0}]', '420["echo",1]'],
    "placeholder beyond the parts": [f'451-0["echo",{PART % 1}]', b"x"],
    "placeholder below zero": [f'451-0["echo",{PART % -1}]', b"x"],
    "placeholder of a text": ['451-0["echo",{"_placeholder":true,"num":"0"}]', b"x"],
    "placeholder without a number": ['451-0["echo",{"_placeholder":true}]', b"x"],
    "placeholder in an event without parts": [f'420["echo",{PART % 0}]'],
    "placeholder that says no": ['451-0["echo",{"_placeholder":false,"num":0}]', b"x"],
    "empty text": ['420["echo",""]'],
    "empty binary": [f'451-0["echo",{PART % 0}]', b""],
    "values of all kinds": ['420["echo",null,true,1.5,-0,"x",[],{},{"a":[{"b":null}]}]'],
    "text beyond ASCII": ['420["echo","ü€😀\u2028"]'],
    "half of a character, escaped": ['420["echo","\\ud83d"]'],
    "many arguments": ['420["echo",' + ",".join(map(str, range(50))) + "]"],
    "nested 100 deep": ['420["echo",' + "[" * 100 + "]" * 100 + "]"],
    "space in the payload": ['420[ "echo" , 1 ]'],
    "a query in the namespace": ['42/?a=b,0["echo"]'],
    "the root by its name": ['42/,0["echo",1]'],
}

WANTED = {
    "event without a payload": NO_PAYLOAD,
    "event without a payload, with an id": NO_PAYLOAD,
    "ack without an id": NO_PAYLOAD,
    "ack without a payload": NO_PAYLOAD,
    "ack without either": NO_PAYLOAD,
    "ack id of 20 digits": STRICT,
    "binary event with a number of parts with a point": STRICT,
    "text beyond ASCII": ASCII,
    "half of a character, escaped": (HALF, ASCII),
}

BAD_CONNECTS: dict[str, list[str | bytes]] = {
    "CONNECT with a list": ["40/chat,[1]"],
    "CONNECT with a text": ['40/chat,"me"'],
    "CONNECT with null": ["40/chat,null"],
    "CONNECT with a number": ["40/chat,1"],
    "CONNECT with bad JSON": ["40/chat,{"],
    "CONNECT without a comma": ["40/chat"],
    "CONNECT with an id": ["40/chat,1{}"],
}

ROWS: list[Exchange] = [
    *(
        row
        for name, packets in PACKETS.items()
        for row in each(name, say(*packets), fate(), wanted=WANTED.get(name, ()))
    ),
    *(
        row
        for name, packets in BAD_CONNECTS.items()
        for row in each(name, say(*packets), fate("/chat,"), kinds=NEW)
    ),
    *each(
        "CONNECT with a payload",
        say('40/chat,{"token":"x"}'),
        hear(),
        say('42/chat,0["auth"]'),
        hear(),
        kinds=NEW,
    ),
    *each("CONNECT without a payload", say('420["auth"]'), hear(), wanted=NO_AUTH),
    *(
        exchange(
            f"query of the handshake ({kind})",
            opened(kind, "&token=x"),
            say('420["auth"]'),
            hear(),
            wanted=QUERY,
        )
        for kind in KINDS[2:]
    ),
    *each(
        "CONNECT with a query",
        say("40/chat?token=x&a=%C3%BC"),
        hear(),
        say('42/chat,0["auth"]'),
        hear(),
        kinds=KINDS[2:],
        wanted=ASCII,
    ),
    *each("CONNECT with a query, new", say("40/chat?token=x,"), hear(), sync(), kinds=NEW),
    *each("namespace", sync("/chat,"), path="/chat"),
    *each("namespace that is not there", say("40/nowhere,"), hear(), sync(), kinds=NEW),
    *each(
        "namespace that is not there",
        say("40/nowhere"),
        hear(),
        sync(),
        kinds=KINDS[2:],
        wanted=OLD_REFUSAL,
    ),
    *each("namespace that refuses", say("40/door,"), hear(), sync(), kinds=NEW),
    *each("namespace that refuses", say("40/door"), hear(), sync(), kinds=KINDS[2:]),
    *each("namespace that refuses with data", say("40/door/data,"), hear(), sync(), kinds=NEW),
    *each("namespace that refuses with data", say("40/door/data"), hear(), sync(), kinds=KINDS[2:]),
    *each(
        "event for a namespace that refused",
        say("40/door,"),
        hear(),
        say('42/door,0["echo"]'),
        fate(),
        kinds=NEW,
    ),
    *each("second CONNECT", say("40"), outcome(), fate(), wanted=CONNECT_AGAIN),
    *each(
        "second CONNECT of another namespace",
        say("40/chat,"),
        outcome(),
        fate("/chat,"),
        path="/chat",
        wanted=CONNECT_AGAIN,
    ),
    *(
        exchange(f"event before CONNECT ({kind})", opened(kind), say('420["echo"]'), ended())
        for kind in NEW
    ),
    *(
        exchange(
            f"event along with CONNECT ({kind})", opened(kind), say("40", '420["echo"]'), fate()
        )
        for kind in NEW
    ),
    *(
        exchange(f"disconnect before CONNECT ({kind})", opened(kind), say("41"), ended())
        for kind in NEW
    ),
    *(
        exchange(
            f"only a namespace ({kind})", opened(kind), say("40/chat,"), hear(), sync("/chat,")
        )
        for kind in NEW
    ),
    *each("DISCONNECT", say("41"), left(), say("40/chat,"), hear(), sync("/chat,"), kinds=NEW),
    *each("DISCONNECT", say("41"), left(), say("40/chat"), hear(), sync("/chat,"), kinds=KINDS[2:]),
    *each(
        "DISCONNECT of a namespace",
        say("41/chat,"),
        left("/chat"),
        say("40"),
        hear(),
        sync(),
        path="/chat",
        kinds=NEW,
    ),
    *each("DISCONNECT and CONNECT again", say("41"), left(), say("40"), hear(), sync(), kinds=NEW),
    *each(
        "DISCONNECT and CONNECT in one breath",
        say("41", "40"),
        outcome(),
        fate(),
        kinds=NEW,
        wanted=CONNECT_AGAIN,
    ),
    *each(
        "event after DISCONNECT",
        say("41"),
        left(),
        say('420["echo"]', "40/chat,"),
        outcome(),
        wanted=LATE,
    ),
    *each(
        "answer after DISCONNECT",
        say("41"),
        left(),
        say("430[]", "40/chat,"),
        outcome(),
        wanted=LATE,
    ),
    *each("DISCONNECT twice", say("41"), left(), say("41", "40/chat,"), outcome(), wanted=LATE),
    *each(
        "the server disconnects",
        say('42["leave"]'),
        hear(),
        left(),
        say("40/chat,"),
        hear(),
        sync("/chat,"),
        kinds=NEW,
    ),
    *each(
        "the server disconnects from a namespace",
        say('42/chat,["leave"]'),
        hear(),
        left("/chat"),
        path="/chat",
    ),
    *each(
        "the server disconnects, and an event comes",
        say('42["leave"]'),
        hear(),
        say('420["echo"]', "40/chat,"),
        outcome(),
        wanted=LATE,
    ),
    *each(
        "the server says something and disconnects", say('42["emit and leave",1]'), hear(2), left()
    ),
    *each("the server closes", say('42["close"]'), ended(), left()),
    *each(
        "the server closes with two namespaces",
        say("40/chat,"),
        hear(),
        say('42["close"]'),
        ended(),
        left("/chat"),
        left(),
        kinds=NEW,
    ),
    *each(
        "an event of the server",
        say('42["say","news",{"ü":[1,null]}]'),
        hear(),
        sync(),
        wanted=ASCII,
    ),
    *each("a binary event of the server", say('42["binary"]'), hear(3), sync()),
    *each("many events of the server", say('42["many",20]'), hear(20), sync()),
    *each("a question", say('42["ask","sure?",1]'), hear(), answer('["yes",2]'), hear(), sync()),
    *each(
        "a question in a namespace",
        say('42/chat,["ask","sure?"]'),
        hear(),
        answer("[]", "/chat,"),
        hear(),
        path="/chat",
        kinds=NEW,
    ),
    *each(
        "a question answered twice",
        say('42["ask","sure?"]'),
        hear(),
        answer("[1]"),
        hear(),
        answer("[2]"),
        sync(),
    ),
    *each("several packets at once", say(*(f'42{n}["echo",{n}]' for n in range(20))), hear(20)),
]
