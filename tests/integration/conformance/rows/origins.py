"""Pages of other origins."""

from __future__ import annotations

from clients import CURRENT
from deviations import (
    ANY_ORIGIN,
    NO_ORIGIN,
    ORIGINS,
    PREFLIGHTS,
)
from exchanges import exchange
from steps import (
    ask,
    opened,
    refused,
    say,
)

A, B, C = ("http://a.example", "http://b.example", "http://c.example")


ROWS = [
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
