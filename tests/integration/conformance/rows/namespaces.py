"""Joining and leaving namespaces, and what is said in them."""

from __future__ import annotations

from clients import NEW, OLDER, each
from deviations import (
    ASCII,
    CONNECT_AGAIN,
    LATE,
    NO_AUTH,
    OLD_REFUSAL,
    QUERY,
)
from exchanges import exchange
from steps import (
    answer,
    ended,
    fate,
    hear,
    left,
    opened,
    outcome,
    say,
    sync,
)

BAD_CONNECTS: dict[str, list[str | bytes]] = {
    "CONNECT with a list": ["40/chat,[1]"],
    "CONNECT with a text": ['40/chat,"me"'],
    "CONNECT with null": ["40/chat,null"],
    "CONNECT with a number": ["40/chat,1"],
    "CONNECT with bad JSON": ["40/chat,{"],
    "CONNECT without a comma": ["40/chat"],
    "CONNECT with an id": ["40/chat,1{}"],
}


ROWS = [
    *(
        row
        for name, packets in BAD_CONNECTS.items()
        for row in each(name, say(*packets), outcome(), fate("/chat,"), kinds=NEW)
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
        for kind in OLDER
    ),
    *each(
        "CONNECT with a query",
        say("40/chat?token=x&a=%C3%BC"),
        hear(),
        say('42/chat,0["auth"]'),
        hear(),
        kinds=OLDER,
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
        kinds=OLDER,
        wanted=OLD_REFUSAL,
    ),
    *each("namespace that refuses", say("40/door,"), hear(), sync(), kinds=NEW),
    *each("namespace that refuses", say("40/door"), hear(), sync(), kinds=OLDER),
    *each("namespace that refuses with data", say("40/door/data,"), hear(), sync(), kinds=NEW),
    *each("namespace that refuses with data", say("40/door/data"), hear(), sync(), kinds=OLDER),
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
    *each("DISCONNECT", say("41"), left(), say("40/chat"), hear(), sync("/chat,"), kinds=OLDER),
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
