"""The middleware that is ready to use."""

from __future__ import annotations

import asyncio
import logging

import pytest

from sionamespace import ConfigurationError, Namespace, Refused, around, event
from sionamespace.middleware import CallLog, HasRole, LoggedIn, RateLimit
from sionamespace.testing import Harness

pytestmark = pytest.mark.every_runtime


class Both(Namespace):
    """The same handler in both kinds."""

    def on_connect(self, sid, environ, auth):
        self.session(sid).update(auth or {})

    def on_plain(self, sid):
        return "done"

    async def on_asynchronous(self, sid):
        await asyncio.sleep(0)
        return "done"


def refused_for(answer):
    """For how many seconds an answer refuses; 0 if it does not."""
    if answer == "done":
        return 0
    assert answer["error"]["message"] == "too many requests"
    return answer["error"]["data"]["retry_after"]


@pytest.mark.parametrize("name", ["plain", "asynchronous"])
def test_a_rate_limit_refuses_and_says_when_to_come_back(name):
    with Harness(Both(), middleware=[RateLimit(2, per=10)]) as h:
        client = h.connect()
        assert [refused_for(client.call(name)) for _ in range(3)] == [0, 0, 5]
        h.advance(4)
        assert refused_for(client.call(name)) == 1
        h.advance(1)
        assert [refused_for(client.call(name)) for _ in range(2)] == [0, 5]
        h.advance(3600)
        assert [refused_for(client.call(name)) for _ in range(3)] == [0, 0, 5]


def test_a_rate_limit_is_for_each_client_and_each_event():
    with Harness(Both(), middleware=[RateLimit(1, per=10)]) as h:
        ann, bob = h.connect(), h.connect()
        assert [refused_for(ann.call("plain")) for _ in range(2)] == [0, 10]
        assert refused_for(ann.call("asynchronous")) == 0
        assert refused_for(bob.call("plain")) == 0


def test_a_rate_limit_by_another_key_also_counts_connects():
    limit = RateLimit(3, per=60, key=lambda call: call.client.environ["REMOTE_ADDR"])
    with Harness(Both(), middleware=[limit]) as h:
        ann, bob = h.connect(), h.connect()
        assert refused_for(ann.call("plain")) == 0
        assert refused_for(bob.call("plain")) == 20
        assert h.connect().refused.data == {"retry_after": 20}
        bob.disconnect()
        assert not h.errors
        assert h.connect(environ={"REMOTE_ADDR": "10.0.0.1"}).connected


def test_a_rate_limit_forgets_who_needs_no_entry():
    limit = RateLimit(1, per=10, key=lambda call: call.args)

    class Chat(Namespace):
        @event(middleware=[limit])
        def on_x(self, sid, number):
            return "done"

    with Harness(Chat()) as h:
        client = h.connect()
        for number in range(1000):
            client.emit("x", number)
        h.advance(60)
        for number in range(1000, 1010):
            client.emit("x", number)
        assert len(limit._full_again) < 20
        assert refused_for(client.call("x", 1005)) == 10


@pytest.mark.parametrize(("calls", "per"), [(0, 1), (1, 0), (-1, 1)])
def test_a_rate_limit_of_nothing_is_an_error(calls, per):
    with pytest.raises(ConfigurationError, match="expected numbers above 0"):
        RateLimit(calls, per=per)


def test_a_rate_limit_counts_for_each_server():
    limit = RateLimit(1, per=10, key=lambda call: "everybody")
    for _ in range(2):
        with Harness(Both(), middleware=[limit]) as h:
            assert h.connect().connected
            assert not h.connect().connected


class Free(Both):
    """Everybody may come in, and do some things."""

    @event(middleware=[LoggedIn("user"), HasRole("admin", "owner")])
    def on_plain(self, sid):
        return "done"

    @event(middleware=[LoggedIn("user"), HasRole("admin", "owner")])
    async def on_asynchronous(self, sid):
        return "done"


@pytest.mark.parametrize("name", ["plain", "asynchronous"])
@pytest.mark.parametrize("auth", [None, {"user": ""}])
def test_only_who_is_logged_in_gets_through(name, auth):
    with Harness(Both(), middleware=[LoggedIn("user")]) as h:
        assert h.connect(auth={"user": "ann"}).call(name) == "done"
        assert h.connect(auth=auth).refused.message == "log in first"
    with Harness(Free()) as h:
        client = h.connect(auth=auth)
        assert client.request(name).refused.message == "log in first"
        client.disconnect()
        assert not h.errors


@pytest.mark.parametrize("name", ["plain", "asynchronous"])
@pytest.mark.parametrize(
    ("role", "may"),
    [("admin", True), (["user", "owner"], True), ("adm", False), ([], False), (None, False)],
)
def test_only_who_has_one_of_the_roles_gets_through(name, role, may):
    with Harness(Both(), middleware=[HasRole("admin", "owner")]) as h:
        client = h.connect(auth={"role": role})
        assert client.connected if may else client.refused.message == "not allowed"
    with Harness(Free()) as h:
        request = h.connect(auth={"user": "ann", "role": role}).request(name)
        assert request.answer == "done" if may else request.refused.message == "not allowed"


def test_who_is_known_not_to_have_the_role_never_gets_to_on_connect():
    @around
    def login(call):
        if call.kind == "connect":
            call.session["role"] = "user"
        yield

    class Chat(Namespace):
        connects = 0

        def on_connect(self, sid):
            self.connects += 1

    with Harness(chat := Chat(), middleware=[login, HasRole("admin")]) as h:
        assert h.connect().refused.message == "not allowed"
        assert chat.connects == 0


def test_who_has_lost_the_role_meanwhile_does_not_get_through():
    with Harness(Both(), middleware=[HasRole("admin")]) as h:
        client = h.connect(auth={"role": "admin"})
        client.session["role"] = None
        assert client.request("plain").refused.message == "not allowed"


def test_no_role_at_all_is_an_error():
    with pytest.raises(ConfigurationError, match="name a role"):
        HasRole()


class Ending(Namespace):
    """Handlers that end in different ways."""

    def on_ok(self, sid): ...

    def on_typed(self, sid, number: int): ...

    async def on_refuse(self, sid):
        raise Refused("not now")

    async def on_fail(self, sid):
        raise ValueError("a secret")

    def on_slow(self, sid):
        self.sleep(2)


def test_what_another_client_answered_wrongly_is_no_refusal_in_the_log(caplog):
    class Page:
        def confirm(self) -> bool: ...  # type: ignore[empty-body]

    class Asking(Namespace, outgoing=Page):
        def on_ask(self, sid):
            return self.call(Page.confirm, room=sid).result()

    caplog.set_level(logging.INFO, "sionamespace.calls")
    with Harness(Asking(), middleware=[CallLog()], raise_errors=False) as h:
        client = h.connect()
        client.answers("confirm", 5)
        client.call("ask")
    (line,) = [r.getMessage() for r in caplog.records if "'ask'" in r.getMessage()]
    assert line.endswith("'confirm' wrongly: answer: Expected bool, got int")
    assert " ms: failed: client " in line


def test_a_log_has_a_line_for_each_call(caplog):
    caplog.set_level(logging.INFO, "sionamespace.calls")
    with Harness({"/x": Ending()}, middleware=[CallLog(slow=1)], raise_errors=False) as h:
        client = h.connect()
        for name in ("ok", "refuse", "fail"):
            client.emit(name)
        client.emit("typed", "1")
        client.emit("slow")
        h.advance(3)
        sid = client.sid
        client.disconnect()
        h.settle()
    lines = [(r.levelname, r.getMessage()) for r in caplog.records if r.name.endswith("calls")]
    assert [line.split(" ms: ")[1] for _, line in lines] == [
        "ok",
        "ok",
        "refused: not now",
        "failed: ValueError",
        "refused: args[0]: Expected int, got str",
        "ok",
        "ok",
    ]
    assert lines[1][1].startswith(f"/x: 'ok' from {sid} took ")
    assert [line for level, line in lines if level == "WARNING"] == [
        f"/x: 'slow' from {sid} took 2000.0 ms: ok"
    ]
    assert "'connect'" in lines[0][1]
    assert "'disconnect'" in lines[-1][1]
