"""Handshakes, and all that is none."""

from __future__ import annotations

from clients import CURRENT, JOIN, OLD
from deviations import (
    BEFORE_IT_OPENS,
    NO_SCRIPT,
    OPTIONS,
    REVISION,
)
from exchanges import exchange
from steps import (
    ask,
    opened,
    refused,
    sync,
)

ROWS = [
    exchange("handshake: polling", ask("GET", CURRENT)),
    exchange("handshake: polling 3", ask("GET", OLD)),
    exchange("handshake: polling 3, binary", ask("GET", "EIO=3&transport=polling")),
    exchange("handshake: JSONP", ask("GET", OLD + "&j=17")),
    exchange("handshake: JSONP without b64", ask("GET", "EIO=3&transport=polling&j=17")),
    exchange(
        "handshake: JSONP with a bad number", ask("GET", OLD + "&j=alert(1)"), wanted=NO_SCRIPT
    ),
    exchange("handshake: JSONP without a number", ask("GET", OLD + "&j="), wanted=NO_SCRIPT),
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
