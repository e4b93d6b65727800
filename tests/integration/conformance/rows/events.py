"""Socket.IO packets of every kind, over each transport and in each revision."""

from __future__ import annotations

from clients import each
from deviations import (
    ASCII,
    HALF,
    NO_PAYLOAD,
    STRICT,
)
from steps import (
    fate,
    say,
)

PART = '{"_placeholder":true,"num":%s}'


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


ROWS = [
    row
    for name, packets in PACKETS.items()
    for row in each(name, say(*packets), fate(), wanted=WANTED.get(name, ()))
]
