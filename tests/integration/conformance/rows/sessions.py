"""Requests for a connection that there is, or is not."""

from __future__ import annotations

from clients import CURRENT, JOIN, OLD
from deviations import (
    BEFORE_IT_OPENS,
    METHODS,
    OPTIONS,
    TOLD,
)
from exchanges import exchange
from steps import (
    ask,
    left,
    opened,
    poll,
    poll_begins,
    poll_ends,
    post,
    post_begins,
    post_breaks,
    refused,
    sync,
)

ROWS = [
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
