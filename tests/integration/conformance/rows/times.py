"""What happens when a client is silent for too long."""

from __future__ import annotations

from clients import NEW, OLDER, POLLS
from exchanges import exchange
from steps import (
    ended,
    hear,
    left,
    opened,
    poll,
    poll_begins,
    poll_ends,
    say,
)

ROWS = [
    *(
        exchange(f"ping timeout ({kind})", opened(kind), hear(), ended(), server="pinging")
        for kind in NEW
    ),
    *(
        exchange(f"ping timeout ({kind})", opened(kind), ended(), server="pinging")
        for kind in OLDER
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
        for kind in POLLS
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
