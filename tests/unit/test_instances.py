"""Namespaces with parameters: one for each path, there while it has clients."""

from __future__ import annotations

import gc
import threading
import weakref
from functools import partial

import pytest

from sionamespace import (
    ConfigurationError,
    HandlerError,
    Namespace,
    NotConnected,
    Reason,
    Refused,
    event,
)
from sionamespace.application import Application
from sionamespace.engine.memory import MemoryLink
from sionamespace.options import Options
from sionamespace.runtime.line import PATIENCE
from sionamespace.testing import Harness

pytestmark = pytest.mark.every_runtime

ROOM = "/rooms/{room_id}"


class Room(Namespace):
    """Keeps a diary, which all instances share."""

    def __init__(self, diary):
        self.diary = diary

    def opened(self):
        wish = self.params["room_id"]
        self.diary.append(f"{wish} opens")
        if wish == "slow":
            self.sleep(5)
        if wish == "closed":
            raise Refused("no such room", {"room": wish})
        if wish == "boom":
            raise ValueError("a secret")

    def closed(self):
        self.diary.append(f"{self.params['room_id']} closes")
        if self.params["room_id"] == "lingering":
            self.sleep(5)
            self.diary.append("lingering closed")
        if self.params["room_id"] == "broken":
            raise ValueError("a secret")

    def on_connect(self, sid, environ, auth):
        self.enter_room(sid, "inner")
        self.diary.append(f"{self.params['room_id']}: {auth['name'] if auth else '?'}")
        if auth and auth["name"] == "Eve":
            raise Refused("not you")

    def on_say(self, sid, text):
        self.emit("said", text, skip_sid=sid)
        return self.path

    def on_disconnect(self, sid, reason):
        self.rooms(sid), self.session(sid)
        if self.params["room_id"] == "long":
            self.sleep(5)


class Numbered(Namespace):
    def on_number(self, sid):
        return self.params["number"]


class Fixed(Namespace):
    def on_which(self, sid):
        return "fixed", dict(self.params)


@pytest.fixture
def diary():
    return []


@pytest.fixture
def harness(diary):
    routes = {ROOM: partial(Room, diary), "/rooms/{number:int}": Numbered, "/rooms/fixed": Fixed}
    with Harness(routes, max_dynamic_namespaces=4) as h:
        yield h


def nothing_is_left(harness):
    application = harness._application
    return (
        len(application._instances) == 0
        and not application.rooms._namespaces
        and all(not connection._members for connection in application._connections)
    )


def test_each_path_has_an_instance_of_its_own(harness, diary):
    ann, bob, eva = (harness.connect(f"/rooms/{name}") for name in ("red", "red", "blue"))
    assert ann.call("say", "hi") == "/rooms/red"
    assert [len(each.received("said")) for each in (ann, bob, eva)] == [0, 1, 0]
    red, blue = harness.namespace("/rooms/red"), harness.namespace("/rooms/blue")
    assert red is not blue
    assert (red.params, blue.params) == ({"room_id": "red"}, {"room_id": "blue"})
    assert diary == ["red opens", "red: ?", "red: ?", "blue opens", "blue: ?"]


def test_it_is_made_for_the_first_and_dropped_after_the_last(harness, diary):
    ann = harness.connect("/rooms/red", auth={"name": "Ann"})
    bob = harness.connect("/rooms/red", auth={"name": "Bob"})
    first = harness.namespace("/rooms/red")
    ann.disconnect()
    assert harness.namespace("/rooms/red") is first
    bob.drop()
    assert diary == ["red opens", "red: Ann", "red: Bob", "red closes"]
    assert nothing_is_left(harness)
    harness.connect("/rooms/red")
    assert harness.namespace("/rooms/red") is not first
    assert first.members() != set(), "the rooms are those of the path"


def test_a_fixed_path_wins_and_a_number_wins_over_a_text(harness):
    assert harness.connect("/rooms/fixed").call("which") == ("fixed", {})
    assert harness.connect("/rooms/7").call("number") == 7


@pytest.mark.parametrize("path", ["/rooms", "/rooms/a/b", "/rooms/", "/rooms/%FF", "/jobs/1"])
def test_what_does_not_match_is_an_invalid_namespace(harness, path):
    assert harness.connect(path).refused.message == "Invalid namespace"
    assert nothing_is_left(harness)


def test_paths_are_as_the_client_wrote_them_and_their_values_are_decoded(harness):
    raw, encoded = harness.connect("/rooms/日本"), harness.connect("/rooms/a%2Cb")
    assert raw.call("say", "hi") == "/rooms/日本"
    assert encoded.call("say", "hi") == "/rooms/a%2Cb"
    assert harness.namespace("/rooms/a%2Cb").params == {"room_id": "a,b"}


def test_from_outside_it_is_there_while_somebody_is_in_it(harness):
    server = harness._application
    with pytest.raises(NotConnected, match="nobody is in /rooms/red"):
        server.namespace("/rooms/red")
    with pytest.raises(ConfigurationError, match=r"there are: /rooms/fixed, .*/rooms/\{room_id\}"):
        server.namespace("/elsewhere")
    with pytest.raises(ConfigurationError, match="no path with parameters '/rooms/fixed'"):
        server.namespaces("/rooms/fixed")
    ann = harness.connect("/rooms/red")
    harness.connect("/rooms/7")
    server.namespace("/rooms/red").emit("news")
    assert len(ann.received("news")) == 1
    assert [room.path for room in server.namespaces(ROOM)] == ["/rooms/red"]
    ann.disconnect()
    assert server.namespaces(ROOM) == []


def test_opened_may_refuse(harness, diary):
    client = harness.connect("/rooms/closed")
    assert (client.refused.message, client.refused.data) == ("no such room", {"room": "closed"})
    assert diary == ["closed opens"], "neither on_connect nor closed is called"
    assert nothing_is_left(harness)
    assert harness.connect("/rooms/red", on=client).connected


@pytest.mark.parametrize("broken", ["boom", "__init__"])
def test_what_fails_while_it_opens_refuses_and_is_told(diary, broken):
    class Broken(Room):
        def __init__(self):
            if broken == "__init__":
                raise ValueError("a secret")
            super().__init__(diary)

    with Harness({ROOM: Broken}, raise_errors=False) as harness:
        assert harness.connect("/rooms/boom").refused.message == "internal error"
        assert [str(error) for error in harness.errors] == ["a secret"]
        assert nothing_is_left(harness)


def test_what_fails_in_the_hooks_goes_through_handle_error(diary):
    class Reporting(Room):
        def handle_error(self, sid, event, error):
            diary.append((sid, event, str(error)))

    with Harness({ROOM: partial(Reporting, diary)}) as harness:
        harness.connect("/rooms/boom")
        harness.connect("/rooms/broken").disconnect()
        assert [entry for entry in diary if isinstance(entry, tuple)] == [
            ("", "opened", "a secret"),
            ("", "closed", "a secret"),
        ]
        assert nothing_is_left(harness)


def test_async_hooks_are_awaited(diary):
    class Async(Namespace):
        async def opened(self):
            diary.append("opened")

        async def closed(self):
            diary.append("closed")

    with Harness({"/{x}": Async}) as harness:
        harness.connect("/a").disconnect()
        assert diary == ["opened", "closed"]


def test_who_comes_while_it_opens_waits(harness, diary):
    ann, bob = (harness.connect("/rooms/slow", auth={"name": name}) for name in ("Ann", "Bob"))
    assert not ann.connected
    with pytest.raises(NotConnected):
        harness.namespace("/rooms/slow")
    harness.advance(5)
    assert ann.connected
    assert bob.connected
    assert diary[0] == "slow opens"
    assert sorted(diary[1:]) == ["slow: Ann", "slow: Bob"]


def test_who_leaves_while_it_opens_never_was_there(harness, diary):
    ann = harness.connect("/rooms/slow", auth={"name": "Ann"})
    bob = harness.connect("/rooms/slow", auth={"name": "Bob"})
    ann.drop()
    harness.advance(5)
    assert bob.connected
    assert diary == ["slow opens", "slow: Bob"]


def test_it_closes_if_all_have_left_while_it_opened(harness, diary):
    harness.connect("/rooms/slow").drop()
    harness.advance(5)
    assert diary == ["slow opens", "slow closes"]
    assert nothing_is_left(harness)


def test_who_is_refused_alone_leaves_nothing(harness, diary):
    assert harness.connect("/rooms/red", auth={"name": "Eve"}).refused.message == "not you"
    assert diary == ["red opens", "red: Eve", "red closes"]
    assert nothing_is_left(harness)


def test_who_comes_while_the_last_one_leaves_keeps_it_alive(harness, diary):
    ann = harness.connect("/rooms/long", auth={"name": "Ann"})
    before = harness.namespace("/rooms/long")
    ann.disconnect()  # its on_disconnect takes five seconds
    bob = harness.connect("/rooms/long", auth={"name": "Bob"})
    assert bob.connected
    harness.advance(5)
    assert harness.namespace("/rooms/long") is before
    assert diary == ["long opens", "long: Ann", "long: Bob"]


def test_who_comes_while_it_closes_gets_a_new_one_afterwards(harness, diary):
    ann = harness.connect("/rooms/lingering", auth={"name": "Ann"})
    before = harness.namespace("/rooms/lingering")
    ann.disconnect()
    bob = harness.connect("/rooms/lingering", auth={"name": "Bob"}, on=ann)
    eve = harness.connect("/rooms/lingering", auth={"name": "Zoe"})
    assert not bob.connected
    assert not harness._application.idle
    harness.advance(5)
    assert bob.connected
    assert eve.connected
    assert harness.namespace("/rooms/lingering") is not before
    assert diary[:3] == ["lingering opens", "lingering: Ann", "lingering closes"]
    assert diary[3:5] == ["lingering closed", "lingering opens"]
    assert bob.call("say", "hi") == "/rooms/lingering"


def test_who_gives_up_while_it_closes_leaves_nothing(harness, diary):
    ann = harness.connect("/rooms/lingering")
    ann.disconnect()
    harness.connect("/rooms/lingering").drop()
    harness.advance(5)
    assert diary.count("lingering opens") == 1
    assert nothing_is_left(harness)


def test_the_same_client_comes_back_while_its_on_disconnect_runs(harness, diary):
    ann = harness.connect("/rooms/long", auth={"name": "Ann"})
    ann.disconnect()
    back = harness.connect("/rooms/long", auth={"name": "Ann again"}, on=ann)
    harness.advance(6)
    assert back.connected
    back.disconnect()
    harness.advance(6)
    assert diary[-1] == "long closes"
    assert nothing_is_left(harness)


def test_there_is_a_limit_to_them_all(harness, caplog):
    clients = [harness.connect(f"/rooms/r{n}") for n in range(4)]
    refused = harness.connect("/rooms/one-more")
    assert refused.refused.message == "too many namespaces"
    assert "4 namespaces are open, which is max_dynamic_namespaces" in caplog.text
    assert harness.connect("/rooms/r0").connected, "one that is there is still joined"
    assert harness.connect("/rooms/fixed").connected
    clients[1].disconnect()
    assert harness.connect("/rooms/one-more").connected


def test_instances_share_the_log_of_unknown_events(harness, caplog):
    for number in range(3):
        client = harness.connect(f"/rooms/r{number}")
        client.emit("nonsense")
        client.disconnect()
    assert caplog.text.count("nothing handles the event 'nonsense'") == 1


ALIVE: weakref.WeakSet[Plain] = weakref.WeakSet()


class Plain(Namespace):
    def __init__(self):
        ALIVE.add(self)

    def on_say(self, sid, text):
        self.enter_room(sid, "inner")
        return text


class Visitor:
    """A connection that joins and leaves paths, as an engine drives it."""

    def __init__(self, application, protocol=5):
        self.messages = []
        self.link = MemoryLink(self.messages.append, 10**6)
        self.link.protocol = protocol
        self.link.receiver = application.accept(self.link, {})

    def visit(self, path):
        for text in (f"0{path},", f"1{path},"):
            self.link.receiver.receive(text)


def test_two_thousand_paths_opened_and_closed_leave_nothing(runtime):
    ALIVE.clear()
    application = Application({"/t/{n:int}": Plain}, runtime, Options())
    for connection in range(20):
        made = []
        runtime.post(lambda made=made: made.append(Visitor(application)))
        runtime.settle()
        for number in range(100):
            path = f"/t/{connection * 100 + number}"
            runtime.post(made[0].link.receiver.receive, f"0{path},")
        runtime.settle()
        assert len(application._instances) == 100
        for packet in ('2{},1["say","hi"]', "1{},"):
            for number in range(100):
                path = f"/t/{connection * 100 + number}"
                runtime.post(made[0].link.receiver.receive, packet.format(path))
            runtime.settle()
        assert sum('["hi"]' in str(message) for message in made[0].messages) == 100
        runtime.post(made[0].link.close, Reason.TRANSPORT_CLOSE)
        runtime.settle()
        del made
    assert application.idle
    assert len(application._instances) == 0
    assert not application.rooms._namespaces
    gc.collect()
    assert len(ALIVE) < 10  # a runtime's threads may hold what they did last


def test_a_connection_that_floods_with_paths_leaves_nothing(runtime):
    application = Application({"/t/{n:int}": Plain}, runtime, Options())
    made = []
    runtime.post(lambda: made.append(Visitor(application)))
    runtime.settle()
    for number in range(300):
        runtime.post(made[0].visit, f"/t/{number}")
        runtime.settle()
    (connection,) = application._connections
    assert len(connection._left) <= 100
    assert len(application._instances) == 0
    assert not application.rooms._namespaces
    runtime.post(made[0].link.receiver.receive, '2/t/299,["late"]')
    runtime.settle()
    assert made[0].link.reason is None, "what was on its way when it left is no error"


def test_many_threads_come_and_go_at_few_paths(runtime):
    """Each client gets its answer, or joins a namespace that then serves it."""
    application = Application({"/t/{n:int}": Plain}, runtime, Options())
    visitors = []

    def visit(seed):
        for number in range(30):
            runtime.post(come, f"/t/{(seed + number) % 3}")

    def come(path):
        visitor = Visitor(application)
        visitors.append(visitor)
        visitor.link.receiver.receive(f"0{path},")
        runtime.later(0.5, visitor.link.close, Reason.TRANSPORT_CLOSE)

    threads = [threading.Thread(target=visit, args=(seed,), daemon=True) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    runtime.settle()
    runtime.advance(PATIENCE)
    assert len(visitors) == 120
    assert all(any('"sid"' in str(m) for m in visitor.messages) for visitor in visitors)
    assert application.idle
    assert not application.rooms._namespaces


def test_clients_of_older_revisions_come_with_a_query_and_come_back(runtime):
    seen = []

    class Old(Namespace):
        def on_connect(self, sid, environ, auth):
            seen.append((self.params["room_id"], auth))

        def on_disconnect(self, sid):
            self.sleep(2)

    application = Application({ROOM: Old}, runtime, Options())
    made = []
    runtime.post(lambda: made.append(Visitor(application, protocol=4)))
    runtime.settle()
    receive = made[0].link.receiver.receive
    runtime.post(receive, "0/rooms/ü?token=x")
    runtime.settle()
    runtime.post(receive, "1/rooms/ü")
    runtime.post(receive, "0/rooms/ü?token=y")  # its sid is the same, so it waits
    runtime.settle()
    assert seen == [("ü", {"token": "x"})]
    before = application.namespace("/rooms/ü")
    runtime.advance(3)
    assert seen == [("ü", {"token": "x"}), ("ü", {"token": "y"})]
    assert application.namespace("/rooms/ü") is before
    runtime.post(made[0].link.close, Reason.TRANSPORT_CLOSE)
    runtime.settle()
    runtime.advance(3)
    assert application.idle


def test_middleware_stands_around_the_handlers_of_each_instance(diary):
    def noting(who):
        def note(call, next):
            diary.append(f"{who}: {call.namespace.path} {call.event}")
            return next(call)

        return note

    class Guarded(Namespace):
        middleware = [noting("class")]

        @event(middleware=[noting("handler")])
        async def on_say(self, sid, text: str):
            return self.params["room_id"], text

    with Harness({ROOM: Guarded}, middleware=[noting("server")]) as h:
        red, blue = h.connect("/rooms/red"), h.connect("/rooms/blue")
        diary.clear()
        assert red.call("say", "hi") == ("red", "hi")
        assert diary == [f"{who}: /rooms/red say" for who in ("server", "class", "handler")]
        diary.clear()
        assert blue.call("say", 5)["error"]["data"], "what comes is checked"
        blue.disconnect()
        assert diary[-2:] == ["server: /rooms/blue disconnect", "class: /rooms/blue disconnect"]


def test_middleware_may_refuse_who_comes_and_the_instance_is_dropped(diary):
    def no_one(call, next):
        raise Refused("closed today")

    with Harness({ROOM: partial(Room, diary)}, middleware=[no_one]) as h:
        assert h.connect("/rooms/red").refused.message == "closed today"
        assert not h.errors
        assert diary == ["red opens", "red closes"]
        assert nothing_is_left(h)


@pytest.mark.manual("a fault of the application")
def test_an_annotation_that_cannot_be_used_is_an_error_before_anybody_comes():
    class Wrong(Namespace):
        def on_x(self, sid, a: Missing): ...  # noqa: F821

    with pytest.raises(HandlerError, match="'Missing' of 'a' cannot be found"):
        Harness({ROOM: Wrong})


def test_what_an_instance_says_is_told_to_the_test(harness):
    harness.connect("/rooms/red").call("say", "hi")
    harness.refute_broadcast("said", path="/rooms/blue")
    assert harness.assert_broadcast("said", "hi", path="/rooms/red").rooms is None
    harness.connect("/rooms/blue").call("say", "ho")
    harness.assert_broadcast("said", "ho", path="/rooms/blue")
