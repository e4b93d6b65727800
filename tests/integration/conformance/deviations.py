"""Where sionamespace is not as the JavaScript server is, on purpose, and why."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import attrs

Rewrite = str | Callable[[re.Match[str]], str]


@attrs.frozen(eq=False)
class Deviation:
    """What turns a transcript of the JavaScript server into the one that is wanted here.

    Args:
        there: what the JavaScript server does; for the documentation, as the next two.
        changes: patterns of transcripts, and what takes their place.
    """

    title: str
    there: str
    here: str
    changes: tuple[tuple[str, Rewrite], ...]

    def apply(self, transcript: str) -> tuple[str, int]:
        """The transcript as it is wanted here, and how much of it was changed."""
        total = 0
        for pattern, wanted in self.changes:
            transcript, count = re.subn(pattern, wanted, transcript, flags=re.MULTILINE)
            total += count
        return transcript, total


def error(code: int, message: str, status: int = 400, more: str = "") -> str:
    """The lines of an answer that refuses."""
    body = f'{{"code":{code},"message":"{message}"}}'
    return f"{status}\n  content-type: application/json\n{more}  {body}"


BAD_REQUEST, UNSUPPORTED = error(3, "Bad request"), error(5, "Unsupported protocol version")
FORBIDDEN = error(4, "Forbidden", 403, "  vary: Origin\n")
UNKNOWN = error(1, "Session ID unknown")
OPENED = r'200\n(?:  .*\n)*?  (?:\d+:)?0\{"sid".*'
OK = r"200\n  cache-control: no-store\n  content-type: text/html\n  ok"
ALIVE = r'(?:< .*\n)*< 43(?:/chat,)?99\["alive"\]\Z'
GONE = '< 1\nended: 400 {"code":1,"message":"Session ID unknown"}'


def is_old(transcript: str) -> bool:
    return transcript.partition(" ")[0].endswith("3")


# Everywhere.

GOODBYE = Deviation(
    "The code of a goodbye",
    "closes a WebSocket without a status code",
    "with 1000, which ASGI servers would add anyway",
    ((r"(?<!> close None\n)^ended: no code$", "ended: 1000"),),
)
REASONS = Deviation(
    "The words for why a client left",
    "`client namespace disconnect`, `server namespace disconnect`, `forced close` (which is a "
    "packet that cannot be read), ...",
    "those of python-socketio: `client disconnect`, `server disconnect`; and `parse error`",
    (
        (r"^(left .*): (client|server) namespace disconnect$", r"\1: \2 disconnect"),
        (r"^(left .*): forced close$", r"\1: parse error"),
    ),
)
BODIES = Deviation(
    "The bodies of errors",
    "some have a code and a message in JSON, some a text, and some nothing",
    "all have a code and a message in JSON, also those that refuse a WebSocket",
    (
        (r"^400\n  $", BAD_REQUEST),
        (r"^400\n  content-type: text/html\n  Transport unknown$", error(0, "Transport unknown")),
        (r"^400\n  content-type: text/html\n  Session ID unknown$", UNKNOWN),
        (r"^400\n  content-type: text/html\n  Bad request$", BAD_REQUEST),
    ),
)
SCRIPTS = Deviation(
    "The type of a JSONP answer",
    "`text/plain`, which a page that says `nosniff` does not run",
    "`text/javascript`",
    (
        (
            r"  content-type: text/plain; charset=UTF-8\n  ___eio",
            "  content-type: text/javascript; charset=UTF-8\n  ___eio",
        ),
    ),
)
NOOPS = Deviation(
    "A close that is polled",
    "comes behind a NOOP",
    "comes alone",
    ((r"^  b'6\\x1e1'$", "  1"), (r"^  1:61:1$", "  1:1")),
)
EVERYWHERE = (GOODBYE, REASONS, BODIES, SCRIPTS, NOOPS)

# Requests.

REVISION = Deviation(
    "A request without `EIO`, or with an unknown one",
    "is taken for Engine.IO 3",
    "is refused: it is a mistake, or a protocol to come",
    ((OPENED, UNSUPPORTED), (r"< 0.*\n< 40", UNSUPPORTED)),
)
BEFORE_IT_OPENS = Deviation(
    "A WebSocket that may not be",
    "is opened, and closed again at once",
    "is refused with an error, so that logs and tools show which",
    (
        (r"^(WebSocket .*)\nended: 1000$", rf"\1\n{BAD_REQUEST}"),
        (r"^(WebSocket .*)\nended: no frame$", rf"\1\n{UNSUPPORTED}"),
    ),
)
METHODS = Deviation(
    "Another method on a session",
    "is 500, an error of the server",
    "is 400",
    (
        (r"^(HEAD .*)\n500\n  $", r"\1\n400\n  content-type: application/json\n  "),
        (r"^((?!OPTIONS).*)\n500\n  $", rf"\1\n{BAD_REQUEST}"),
    ),
)
OPTIONS = Deviation(
    "OPTIONS without an `Origin`",
    "is an error",
    "is answered with nothing, as proxies and monitors expect",
    ((r"^(OPTIONS .*)\n(?:400\n  .*\n  .*|500\n  )$", "\\1\n204\n  "),),
)
ORIGINS = Deviation(
    "Pages of other origins",
    "are answered, and their browsers keep the answer from them; WebSockets are not asked",
    "are refused by the server, WebSockets too; by default only its own pages may connect",
    (
        (OPENED, FORBIDDEN),
        (r"^(WebSocket .*\nOrigin: .*)\n< 0.*", rf"\1\n{FORBIDDEN}"),
        (r"^(400\n  content-type: application/json)\n  (\{\"code\":2.*)", FORBIDDEN),
        (r"^204\n(?:  .*\n)*  $", FORBIDDEN),
    ),
)
ANY_ORIGIN = Deviation(
    "`*` for all origins",
    "is what it answers, which browsers do not take for requests with cookies",
    "the origin itself is answered, with `Vary: Origin`",
    (
        (
            r"^(Origin: (.*)\n(?:.*\n)*?  access-control-allow-origin: )\*$"
            r"((?:\n  [a-u].*)*)(?:\n  vary: .*)?",
            r"\1\2\3\n  vary: Origin",
        ),
        (
            r"^  access-control-allow-credentials: true\n  access-control-allow-origin: \*$"
            r"((?:\n  [a-u].*)*)",
            r"\1\n  vary: Origin",
        ),
        (r"^200\n\n", "200\n"),
    ),
)
NO_ORIGIN = Deviation(
    "A request without an `Origin`",
    "is answered with headers for pages of other origins",
    "is not; only `Vary` says that the answer depends on it",
    (
        (
            r"^200\n  access-control-allow-credentials: true\n(?!  access-control-allow-origin)",
            "200\n",
        ),
    ),
)
PREFLIGHTS = Deviation(
    "The answer to a preflight",
    "allows methods that are never used",
    "allows GET and POST",
    (
        (r"GET,HEAD,PUT,PATCH,POST,DELETE", "OPTIONS, GET, POST"),
        (r"vary: Origin, Access-Control-Request-Headers", "vary: Origin"),
    ),
)
BAD_POST = Deviation(
    "A post that cannot be read",
    "is answered with `200 ok`, whatever is done about it",
    "is 400, and ends the connection",
    (
        (rf"^(post .*)\n{OK}$", rf"\1\n{BAD_REQUEST}"),
        (rf"^(> .*)\n{OK}$(?=\n(?:ended|< 1\n))", rf"\1\n{BAD_REQUEST}"),
        (r"^left (.*): transport error$", r"left \1: parse error"),
    ),
)
TOLD = Deviation(
    "A client that is ended for a fault",
    "finds when it polls that the session is unknown",
    "is told by a CLOSE, after what was sent before it",
    (
        (r"(?<!< 1\n)^ended: 400 .*", GONE),
        (
            rf"\A((?:(?!poll\n).*\n)*)poll\n{re.escape(UNKNOWN)}",
            "\\1poll\n200\n  cache-control: no-store\n"
            "  content-type: text/plain; charset=UTF-8\n  1",
        ),
    ),
)
SCRIPT_NUMBER = Deviation(
    "A JSONP poll",
    "is answered by the function that the handshake named, or by none",
    "by the one that the poll itself names",
    (
        (r"___eio\[0\]", "___eio[5]"),
        (
            r'text/plain; charset=UTF-8\n  7:42\["x"\]$',
            'text/javascript; charset=UTF-8\n  ___eio[5]("7:42[\\\\"x\\\\"]");',
        ),
    ),
)
NO_SCRIPT = Deviation(
    "A `j` that is no number",
    "has its digits picked out, or makes a script that cannot run",
    "is refused",
    ((r"^200\n(?:  .*\n)*?  ___eio.*", BAD_REQUEST),),
)
COMPRESSED = Deviation(
    "A compressed answer",
    "does not say what it depends on",
    "says `Vary: Accept-Encoding`",
    ((r"^(  content-encoding: .*\n  content-type: .*)$", r"\1\n  vary: Accept-Encoding"),),
)

# What ends a connection here and not there.


def _closed(found: re.Match[str]) -> str:
    by_websocket = found[1].startswith("websocket") or "the client is the WebSocket" in found[2]
    return f"{found[1]} opens{found[2]}\n{'ended: 1000' if by_websocket else GONE}"


CLOSES = (rf"\A(\w+) opens((?:\n.*)*?)\n{ALIVE}", _closed)
NO_PAYLOAD = Deviation(
    "An EVENT or an ACK without its payload, an ACK without its id",
    "is ignored",
    "breaks the protocol, and ends the connection",
    (CLOSES,),
)
STRICT = Deviation(
    "Numbers and bytes that nearly fit",
    "are taken for something: an ack id that JavaScript rounds, `1.0` attachments, bytes without "
    "the type that revision 3 wants, text that is not UTF-8, a form without the field",
    "break the protocol, and end the connection",
    (CLOSES,),
)
TOO_LARGE = Deviation(
    "A message past the limit",
    "is refused, and a client that polls goes on; attachments have no limit together; the reason "
    "is `transport error`",
    "ends the connection, as over WebSocket; attachments count too; the reason is `message too "
    "large`",
    (CLOSES, (r"^left (.*): transport error$", r"left \1: message too large")),
)
CLOSE_PACKET = Deviation(
    "A CLOSE packet over a WebSocket",
    "is ignored",
    "ends the connection, as when polling",
    (CLOSES,),
)
PROBE = Deviation(
    "An upgrade without a probe",
    "is done",
    "is refused, and polling goes on",
    ((r"^ended: 400 .*", '< 4399["alive"]'),),
)

# What ends a connection there and not here.


def _joined(found: re.Match[str]) -> str:
    text = found[0]
    path = "/chat," if "40/chat" in text else ""
    sid = "" if is_old(text) else '{"sid":"<sid>"}'
    return f"{found[1]}< 40{path}{sid}"


def _rejoined(found: re.Match[str]) -> str:
    path = "/chat," if "40/chat" in found[0] else ""
    return f'{_joined(found)}\n< 43{path}99["alive"]'


ENDED = r"\A((?:.*\n)*?)(?:< 1|ended: 1000|< 1\nended: .*)\Z"
CONNECT_AGAIN = Deviation(
    "A second CONNECT for a namespace",
    "ends the connection, with all its namespaces",
    "joins it anew: React's strict mode connects, disconnects and connects in one breath",
    ((ENDED, _rejoined),),
)
LATE = Deviation(
    "What comes for a namespace that was left",
    "ends the connection, with all its namespaces",
    "is not heard: it was on its way, or answers an event from before",
    ((ENDED, _joined),),
)

# What is said otherwise.


def _in_ascii(found: re.Match[str]) -> str:
    heard = re.compile(r"^< .*$", re.MULTILINE)
    return heard.sub(
        lambda line: re.sub(r"[^\x00-\x7f]+", lambda rest: json.dumps(rest[0])[1:-1], line[0]),
        found[0],
    )


ASCII = Deviation(
    "Text for clients 1.x and 2.x that poll",
    "is UTF-8, which 1.x read wrong",
    "is ASCII, the rest escaped as JSON allows: the same to all",
    (
        (
            r'35:42\[\\"line ends\\",\\"\\u2028\\u2029',
            r'45:42[\\"line ends\\",\\"\\\\u2028\\\\u2029',
        ),
        (r"\A(?:polling3|binary3|jsonp3) opens(?:\n.*)*", _in_ascii),
    ),
)
HALF = Deviation(
    "Half of a character, such as half an emoji",
    "is passed on",
    "becomes U+FFFD: text in Python has no halves",
    ((r"(?<=^< 430\[\")\\ud83d", "\ufffd"),),
)
NO_AUTH = Deviation(
    "`auth` of a client that sends none",
    "is an empty object",
    "is `None`, as in python-socketio",
    ((r"^< 430\[\{\}\]$", "< 430[null]"),),
)
QUERY = Deviation(
    "`auth` of clients 1.x and 2.x in the root namespace",
    "is empty",
    "is the query of their connection, where such clients put it",
    ((r"^< 430\[\{\}\]$", '< 430[{"token":"x"}]'),),
)
OLD_REFUSAL = Deviation(
    "Clients 1.x and 2.x in a namespace that is not there",
    "are told by an object, which they do not expect",
    "are told by a text, as by the servers of their time",
    ((r'\{"message":"Invalid namespace"\}', '"Invalid namespace"'),),
)
ECHO = Deviation(
    "A ping with data, in revision 3",
    "is answered without",
    "is answered with the same data, as the protocol says",
    ((r"^< 3$", "< 3probe"),),
)
