"""The application that the integration tests talk to.

    python server.py [--port N] [--options JSON] [--settings JSON]

Port 0 is any free one; the log line "serving on http://..." names it.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import logging
import sys
import threading
import time
from collections import defaultdict
from contextlib import suppress

from sionamespace import (
    NO_REPLY,
    AckTimeout,
    ClientGone,
    ConfigurationError,
    Namespace,
    Refused,
    Reply,
    Server,
    event,
    server_event,
)

_reasons: dict[str, str] = {}
_asking_for_reason: defaultdict[str, list[Reply]] = defaultdict(list)


class Deliberate(Exception):
    """What handlers here fail with; any other exception in the log is a bug."""


def tell(**facts):
    """One line for the test that started this process, in one piece, as threads tell too."""
    sys.stdout.write(f"{json.dumps(facts)}\n")
    sys.stdout.flush()


class Watched(Namespace):
    """Remembers why its clients left, so that a test can ask for it."""

    def on_disconnect(self, sid, reason):
        # That they are still there is part of what is promised.
        self.rooms(sid), self.session(sid)
        tell(left=sid, path=self.path, reason=reason)
        self.remember(sid, reason)

    def remember(self, who, reason):
        with suppress(ConfigurationError):  # where there is no "/", nobody asks for it
            self.server.namespace("/").servers.emit("note", who, reason)

    def on_reason_of(self, sid, other):
        """Answers as soon as the other client has left."""
        if other in _reasons:
            return _reasons[other]
        reply = Reply()
        _asking_for_reason[other].append(reply)
        return reply


class Features(Watched):
    """A handler for each thing that a client can do."""

    @server_event
    def note(self, who, reason):
        """Each server knows of the clients of all."""
        _reasons[who] = reason
        for reply in _asking_for_reason.pop(who, ()):
            reply.send(reason)

    @server_event
    def nothing(self):
        """What was sent before it has come when it is answered."""

    def on_connect(self, sid, environ, auth):
        tell(joined=sid, path=self.path)
        self.session(sid)["auth"] = auth

    def on_whoami(self, sid):
        client = self.client(sid)
        return {
            "sid": sid,
            "path": self.path,
            "auth": self.session(sid)["auth"],
            "client_auth": client.auth,
            "transport": client.transport,
            "protocol": client.protocol,
            "rooms": sorted(client.rooms),
            "query": client.environ["QUERY_STRING"],
            "cookie": client.environ.get("HTTP_COOKIE"),
            "token": client.environ.get("HTTP_X_TOKEN"),
            "address": client.environ["REMOTE_ADDR"],
            "scheme": client.environ["wsgi.url_scheme"],
            "host": client.environ["HTTP_HOST"],
        }

    # Answers.

    def on_echo(self, sid, *args):
        return args

    def on_same(self, sid, value):
        if self.server.shares_clients:
            self.servers.call("nothing", timeout=20).result()
        return value

    def on_nothing(self, sid):
        return None

    def on_list(self, sid):
        return [1, 2]

    def on_two(self, sid, first, second):
        return first + second

    def on_at_least(self, sid, first, *rest):
        return len(rest)

    def on_later(self, sid, value):
        reply = Reply()
        self.spawn(reply.send, value, "later")
        return reply

    def on_never(self, sid):
        return NO_REPLY

    def on_boom(self, sid):
        raise Deliberate("the secret of the handler")

    def on_refuse(self, sid, message, data=None):
        raise Refused(message, data)

    def on_unsendable(self, sid):
        return object()

    @event("with spaces: and ünïcödé 😀")
    def spaced(self, sid, value):
        return value

    def on_length(self, sid, value):
        return {"type": type(value).__name__, "length": len(value)}

    def on_repeat(self, sid, text, times):
        return text * times

    def on_codepoints(self, sid, text):
        return [ord(character) for character in text]

    def on_types(self, sid, *args):
        return [type(value).__name__ for value in args]

    # Binary.

    def on_binary_shape(self, sid, value):
        """What the attachments were, wherever they stood, and the same the other way round."""
        return {"seen": describe(value), "back": value}

    def on_make_binary(self, sid, sizes):
        return tuple(bytes(range(256)) * (size // 256) + bytes(size % 256) for size in sizes)

    # Calls.

    def on_ask(self, sid, question, *args):
        answer = self.call(question, *args, room=sid, timeout=20).result()
        return {"type": type(answer).__name__, "answer": answer}

    async def on_ask_async(self, sid, question, *args):
        answer = await self.call(question, *args, room=sid, timeout=20)
        return {"type": type(answer).__name__, "answer": answer}

    def on_ask_other(self, sid, other, question, timeout):
        return self.outcome(self.call(question, room=other, timeout=timeout))

    async def on_ask_other_async(self, sid, other, question, timeout):
        begin = time.monotonic()
        try:
            return {"answer": await self.call(question, room=other, timeout=timeout)}
        except (AckTimeout, ClientGone) as error:
            return {"error": type(error).__name__, "seconds": time.monotonic() - begin}

    def outcome(self, ack):
        begin = time.monotonic()
        try:
            return {"answer": ack.result()}
        except (AckTimeout, ClientGone) as error:
            return {"error": type(error).__name__, "seconds": time.monotonic() - begin}

    def on_ask_all(self, sid, room, question, timeout):
        answers = self.to(room).call_all(question, timeout=timeout).result()
        return {"values": dict(answers.values), "missing": sorted(answers.missing)}

    # Emits and rooms.

    def on_emit(self, sid, event, args, options):
        self.emit(event, *args, **options)
        return "emitted"

    def on_emit_to(self, sid, rooms, skip, event, value):
        self.to(*rooms).skip(*skip).emit(event, value)
        return "emitted"

    def on_send(self, sid, *args):
        self.send(*args, room=sid)

    def on_emit_many(self, sid, event, count):
        for number in range(count):
            self.emit(event, number, room=sid)
        tell(emitted=sid)
        return count

    def on_volatile(self, sid, event, value):
        self.emit(event, value, room=sid, volatile=True)

    def on_enter(self, sid, room):
        self.enter_room(sid, room)
        return sorted(self.members(room))

    def on_leave(self, sid, room):
        self.leave_room(sid, room)
        return sorted(self.rooms(sid))

    def on_close_room(self, sid, room):
        self.close_room(room)
        return sorted(self.members(room))

    def on_rooms(self, sid):
        return sorted(self.rooms(sid))

    def on_put(self, sid, key, value):
        self.session(sid)[key] = value
        return "kept"

    def on_get(self, sid, key):
        return self.session(sid).get(key)

    def on_from_thread(self, sid, event, count):
        def work():
            for number in range(count):
                self.emit(event, number, room=sid)

        threading.Thread(target=work).start()

    # Order.

    def on_slowly(self, sid, seconds, value):
        self.sleep(seconds)
        self.emit("order", value, room=sid)
        return value

    async def on_slowly_async(self, sid, seconds, value):
        await asyncio.sleep(seconds)
        self.emit("order", value, room=sid)
        return value

    @event(concurrent=True)
    def on_overtake(self, sid, value):
        self.emit("order", value, room=sid)
        return value

    # Going.

    def on_kick(self, sid, other, close=False):
        self.disconnect(other or sid, close=close)
        return "kicked"


class Door(Watched):
    """Lets clients in, or not, as they wish."""

    def on_connect(self, sid, environ, auth):
        wish = (auth or {}).get("wish")
        if wish == "false":
            return False
        if wish == "refused":
            raise Refused("not today", {"code": 7, "until": ["tomorrow"]})
        if wish == "crash":
            raise Deliberate("the secret of on_connect")
        if wish == "unsendable":
            raise Refused("with a secret", {"object": object()})
        if wish == "kick":
            self.disconnect(sid)
        if wish == "emit and refuse":
            self.emit("leak", "too early", room=sid)
            self.emit("leak", "too early")
            return False
        return None

    def on_members(self, sid):
        return sorted(self.members())


class Greeter(Watched):
    """Talks before its client is in, and says whom it greets, as others hear it too."""

    def on_connect(self, sid):
        self.enter_room(sid, "greeted")
        self.emit("greeting", sid, 1, room=sid)
        self.emit("greeting", sid, 2, b"two", room="greeted")
        self.sleep(0.01)
        self.emit("greeting", sid, 3)

    def on_whoami(self, sid):
        return sid


class AsyncGreeter(Watched):
    """The same with coroutines."""

    async def on_connect(self, sid):
        self.emit("greeting", sid, 1, room=sid)
        await asyncio.sleep(0.01)
        self.emit("greeting", sid, 2, room=sid)

    async def on_echo(self, sid, *args):
        await asyncio.sleep(0)
        return args

    async def on_boom(self, sid):
        raise Deliberate("the secret of the coroutine")

    async def on_disconnect(self, sid, reason):
        super().on_disconnect(sid, reason)


class Room(Watched):
    """One for each path."""

    _instances = itertools.count()

    def opened(self):
        self.instance = next(self._instances)

    async def closed(self):
        self.remember(self.path, "closed")
        await asyncio.sleep(0.01)  # who comes meanwhile waits

    def on_where(self, sid):
        return {"path": self.path, "params": dict(self.params), "instance": self.instance}

    def on_tell(self, sid, *args):
        self.emit("news", *args, skip_sid=sid)
        return True


class CatchAll(Watched):
    """Takes every event."""

    def on_known(self, sid, value):
        return "known", value

    @event("*")
    def rest(self, sid, name, *args):
        return name, list(args)


def describe(value):
    """A value with each of its binary parts named by type and size."""
    if isinstance(value, bytes):
        return f"bytes:{value.hex()}"
    if isinstance(value, list):
        return [describe(inner) for inner in value]
    if isinstance(value, dict):
        return {key: describe(inner) for key, inner in value.items()}
    return value


def is_local(origin: str) -> bool:
    """A rule for origins, which ``{"cors_allowed_origins": "is_local"}`` asks for."""
    return origin.startswith("http://127.0.0.1:")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--options", type=json.loads, default={})
    parser.add_argument("--settings", type=json.loads, default={})
    arguments = parser.parse_args()
    if arguments.options.get("cors_allowed_origins") == "is_local":
        arguments.options["cors_allowed_origins"] = is_local
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s %(message)s")
    for name in ("engine", "connection", "handlers"):
        logging.getLogger(f"sionamespace.{name}").setLevel(logging.DEBUG)
    server = Server(
        {
            "/": Features,
            "/chat": Features,
            "/größe-😀": Features,
            "/door": Door,
            "/greeter": Greeter,
            "/async": AsyncGreeter,
            "/catch-all": CatchAll,
            "/rooms/{name}": Room,
            "/rooms/{number:int}": Room,
        },
        **arguments.options,
    )
    server.run("127.0.0.1", arguments.port, **arguments.settings)


if __name__ == "__main__":
    main()
