"""What is posted, and what is polled."""

from __future__ import annotations

from clients import CURRENT, JOIN, OLD
from deviations import (
    ASCII,
    BAD_POST,
    COMPRESSED,
    SCRIPT_NUMBER,
    STRICT,
    TOLD,
    TOO_LARGE,
)
from exchanges import exchange
from steps import (
    ask,
    ended,
    fate,
    hear,
    left,
    opened,
    poll,
    post,
    say,
    sync,
)

ROWS = [
    exchange("post: answered", opened("polling"), post(b"40"), poll()),
    exchange("post 3: answered", opened("polling3"), post(b'12:42["echo",1]'), sync()),
    exchange(
        "post: no content type",
        opened("polling"),
        *JOIN,
        ask("POST", CURRENT + "&sid={sid}", b'420["echo"]'),
        hear(),
    ),
    *(
        exchange(f"post: {kind}", opened("polling"), *JOIN, post(b'420["echo"]', kind), hear())
        for kind in ("application/json", "text/html", "multipart/form-data; boundary=x")
    ),
    exchange(
        "post: octets",
        opened("polling"),
        *JOIN,
        post(b'42["echo"]', "application/octet-stream"),
        ended(),
        left(),
        wanted=(TOLD, BAD_POST),
    ),
    exchange(
        "post 3: octets that are text",
        opened("polling3"),
        post(b'12:42["echo",1]', "application/octet-stream"),
        ended(),
        left(),
        wanted=(BAD_POST, TOLD),
    ),
    exchange(
        "post 3: text that is octets",
        opened("binary3"),
        post(b"\0\1\xff3", "text/plain"),
        ended(),
        left(),
        wanted=(BAD_POST, TOLD),
    ),
    exchange(
        "post: at the limit",
        opened("polling"),
        *JOIN,
        say('420["echo","' + "x" * 9_986 + '"]'),
        server="small",
    ),
    exchange(
        "post: past the limit",
        opened("polling"),
        *JOIN,
        post(b"4" + b"x" * 10_000),
        fate(),
        server="small",
        wanted=TOO_LARGE,
    ),
    exchange(
        "post 3: past the limit",
        opened("polling3"),
        post(b"10001:4" + b"x" * 10_000),
        fate(),
        server="small",
        wanted=TOO_LARGE,
    ),
    exchange(
        "post: nothing",
        opened("polling"),
        *JOIN,
        post(b""),
        ended(),
        left(),
        wanted=(BAD_POST, TOLD),
    ),
    exchange(
        "post 3: nothing", opened("polling3"), post(b""), ended(), left(), wanted=(BAD_POST, TOLD)
    ),
    exchange("post 3: no packets", opened("polling3"), post(b"0:"), sync()),
    exchange(
        "post: unknown packet type",
        opened("polling"),
        *JOIN,
        post(b"9"),
        ended(),
        left(),
        wanted=(BAD_POST, TOLD),
    ),
    exchange(
        "post 3: unknown packet type",
        opened("polling3"),
        post(b"1:9"),
        ended(),
        left(),
        wanted=(BAD_POST, TOLD),
    ),
    exchange(
        "post: unknown packet type after others",
        opened("polling"),
        *JOIN,
        post(b'420["echo",1]\x1e9\x1e421["echo",2]'),
        ended(),
        left(),
        wanted=(BAD_POST, TOLD),
    ),
    exchange(
        "post: bad base64",
        opened("polling"),
        *JOIN,
        post(b"b%%%"),
        ended(),
        left(),
        wanted=BAD_POST,
    ),
    exchange(
        "post: not UTF-8",
        opened("polling"),
        *JOIN,
        post(b'420["echo","\xff"]'),
        fate(),
        wanted=(BAD_POST, STRICT),
    ),
    *(
        exchange(
            f"post 3: {name}",
            opened("polling3"),
            post(body),
            ended(),
            left(),
            wanted=(BAD_POST, TOLD),
        )
        for name, body in {
            "no length": b'42["echo"]',
            "a length of text": b'x:42["echo"]',
            "a length beyond the end": b'99:42["echo"]',
            "a length below zero": b'-1:42["echo"]',
            "half of it": b'10:42["echo"]3',
        }.items()
    ),
    *(
        exchange(
            f"binary post 3: {name}", opened("binary3"), post(body), fate(), wanted=(BAD_POST, TOLD)
        )
        for name, body in {
            "a length beyond the end": b"\0\1\1\xff3",
            "a digit above 9": b"\0\x0b\xff3",
            "unknown packet type": b"\0\1\xff9",
        }.items()
    ),
    *(
        exchange(
            f"binary post 3: {name}",
            opened("binary3"),
            post(body),
            fate(),
            wanted=(BAD_POST, STRICT),
        )
        for name, body in {
            "a kind that is not": b"\2\1\xff3",
            "a binary packet without its type": b"\1\1\xffx",
        }.items()
    ),
    exchange(
        "JSONP post: answered",
        opened("jsonp3"),
        say('420["echo","a\\nb\\\\nc","ü"]'),
        hear(),
        wanted=ASCII,
    ),
    exchange(
        "JSONP post: another field beside it",
        opened("jsonp3"),
        post(b"e=1&d=13%3A420%5B%22echo%22%2C1%5D"),
        hear(),
    ),
    exchange("JSONP post: nothing", opened("jsonp3"), post(b""), fate(), wanted=(BAD_POST, STRICT)),
    exchange(
        "JSONP post: no form", opened("jsonp3"), post(b"hello"), fate(), wanted=(BAD_POST, STRICT)
    ),
    exchange(
        "JSONP post: another field",
        opened("jsonp3"),
        post(b"e=1"),
        fate(),
        wanted=(BAD_POST, STRICT),
    ),
    exchange(
        "JSONP post: no packet",
        opened("jsonp3"),
        post(b"d=hello"),
        ended(),
        left(),
        wanted=(BAD_POST, TOLD),
    ),
    exchange(
        "JSONP poll",
        opened("jsonp3"),
        say('42["say","line ends","\u2028\u2029\\u0001</script>"]'),
        poll(),
        wanted=ASCII,
    ),
    exchange(
        "JSONP poll with another number",
        opened("jsonp3"),
        say('42["say","x"]'),
        ask("GET", OLD + "&j=5&sid={sid}"),
        wanted=SCRIPT_NUMBER,
    ),
    exchange("JSONP poll without b64", opened("jsonp3"), say('42["binary"]'), poll()),
    exchange(
        "JSONP poll of a session without",
        opened("polling3"),
        say('42["say","x"]'),
        ask("GET", OLD + "&j=5&sid={sid}"),
        wanted=SCRIPT_NUMBER,
    ),
    exchange(
        "poll: compressed",
        opened("polling"),
        *JOIN,
        say('420["echo","' + "x" * 2000 + '"]'),
        ask("GET", CURRENT + "&sid={sid}", Accept_Encoding="gzip"),
        sync(),
        wanted=COMPRESSED,
    ),
    exchange(
        "poll: not compressed",
        opened("polling"),
        *JOIN,
        say('420["echo","' + "x" * 20 + '"]'),
        ask("GET", CURRENT + "&sid={sid}", Accept_Encoding="gzip"),
        sync(),
    ),
    exchange("poll: Internet Explorer", ask("GET", CURRENT, User_Agent="x ;MSIE 9; Trident/")),
]
