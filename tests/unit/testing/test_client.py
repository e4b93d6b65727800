from __future__ import annotations

import pytest

from sionamespace import NO_REPLY, AckTimeout, ClientGone, Namespace, Refused, Reply, UsageError
from sionamespace.testing import Event, Harness


class Broken(Exception):
    pass


class Room(Namespace):
    def on_connect(self, sid, environ, auth):
        if auth == {"name": "Eve"}:
            raise Refused("no", {"why": "Eve"})
        self.session(sid)["auth"] = auth
        self.emit("welcome", sid, room=sid)

    def on_add(self, sid, a, b):
        return a + b

    def on_pair(self, sid):
        return 1, 2

    def on_nothing(self, sid):
        return None

    def on_never(self, sid):
        return NO_REPLY

    def on_later(self, sid):
        self.reply = Reply()
        return self.reply

    def on_ask(self, sid, what):
        return self.call("confirm", what, room=sid, timeout=5).result()

    def on_broken(self, sid):
        raise Broken("why")

    def on_echo(self, sid, data):
        self.emit("echo", data)

    def on_enter(self, sid, room):
        self.enter_room(sid, room)

    def on_leave(self, sid):
        self.disconnect(sid)


@pytest.fixture
def harness():
    with Harness(Room()) as harness:
        yield harness


@pytest.fixture
def ann(harness):
    return harness.connect(auth={"name": "Ann"})


class TestWhoItIs:
    def test_a_client_that_was_let_in_is_connected(self, harness, ann):
        assert ann.connected
        assert (ann.refused, ann.closed) == (None, None)
        assert ann.session == {"auth": {"name": "Ann"}}
        assert ann.last("welcome").args == (ann.sid,)

    def test_a_client_that_was_refused_knows_why(self, harness):
        eve = harness.connect(auth={"name": "Eve"})
        assert not eve.connected
        assert (eve.refused.message, eve.refused.data) == ("no", {"why": "Eve"})
        with pytest.raises(AssertionError, match="was not let in: Refused"):
            _ = eve.sid
        with pytest.raises(AssertionError, match="never was in /"):
            _ = eve.session

    def test_its_rooms_are_those_that_it_was_put_into(self, ann):
        ann.emit("enter", "lobby")
        assert ann.rooms == {"lobby"}

    def test_its_session_can_be_seen_after_it_left(self, ann):
        ann.disconnect()
        assert not ann.connected
        assert ann.session == {"auth": {"name": "Ann"}}

    def test_one_that_the_server_sent_away_knows(self, ann):
        ann.emit("leave")
        assert not ann.connected
        assert ann.closed is None

    def test_one_that_lost_its_connection_knows_the_reason(self, ann):
        ann.drop("ping timeout")
        assert not ann.connected
        assert ann.closed == "ping timeout"


def test_an_auth_that_no_client_sends_is_an_error_of_the_test(harness):
    with pytest.raises(UsageError, match=r"auth is a dict, such as .* not 'Ann'"):
        harness.connect(auth="Ann")


@pytest.mark.parametrize(
    ("leave", "why"),
    [
        (lambda ann: ann.disconnect(), "it has left"),
        (lambda ann: ann.emit("leave"), "it has left"),
        (lambda ann: ann.drop("ping timeout"), "ping timeout"),
    ],
)
def test_one_that_is_not_there_cannot_send(ann, leave, why):
    leave(ann)
    for send in (ann.emit, ann.call, ann.request):
        with pytest.raises(AssertionError, match=f"cannot send, it is not connected: {why}$"):
            send("add", 1, 2)


class TestWhatItSays:
    def test_an_answer_is_as_the_clients_callback_sees_it(self, ann):
        assert ann.call("add", 1, 2) == 3
        assert ann.call("pair") == (1, 2)
        assert ann.call("nothing") is None

    def test_an_answer_may_come_later(self, harness, ann):
        request = ann.request("later")
        assert not request.answered
        with pytest.raises(AssertionError, match="has not answered 'later'"):
            _ = request.answer
        harness.namespace().reply.send("late")
        assert request.answered
        assert request.answer == "late"

    @pytest.mark.parametrize("event", ["never", "no such event"])
    def test_calling_what_does_not_answer_fails_the_test(self, ann, event):
        with pytest.raises(AssertionError, match=f"has not answered {event!r}"):
            ann.call(event)

    def test_what_a_handler_raises_is_raised_by_what_set_it_off(self, ann):
        with pytest.raises(Broken, match="why"):
            ann.emit("broken")
        assert ann.call("add", 1, 2) == 3

    def test_values_travel_through_the_real_codec(self, ann):
        ann.emit("echo", {"data": (1, b"\x00", None)})
        assert ann.last("echo").args == ({"data": [1, b"\x00", None]},)

    def test_a_broken_message_does_what_it_does_to_a_real_server(self, ann):
        ann.send_raw("broken")
        assert ann.closed == "parse error"


class TestWhatItHears:
    def test_events_are_kept_in_order_until_they_are_cleared(self, ann):
        ann.clear()
        ann.emit("echo", 1)
        ann.emit("echo", 2)
        assert ann.received() == [Event("echo", (1,)), Event("echo", (2,))]
        assert ann.received("other") == []
        ann.clear()
        assert ann.received() == []

    def test_the_last_of_an_event_that_never_came_fails_and_shows_what_came(self, ann):
        with pytest.raises(AssertionError, match=r"no 'echo' was received.*welcome"):
            ann.last("echo")

    def test_a_paused_client_hears_later_what_it_missed(self, ann):
        ann.clear()
        ann.pause()
        ann.emit("echo", 1)
        assert ann.received() == []
        ann.resume()
        assert ann.last("echo").args == (1,)


class TestAnswering:
    def test_it_answers_by_hand(self, ann):
        request = ann.request("ask", "sure?")
        call = ann.last("confirm")
        assert call.wants_answer
        assert call.args == ("sure?",)
        assert not request.answered
        call.answer("yes")
        assert request.answer == "yes"

    def test_it_answers_by_itself_with_a_value_or_a_function(self, ann):
        ann.answers("confirm", "yes", 1)
        assert ann.call("ask", "sure?") == ("yes", 1)
        ann.answers("confirm", str.upper)
        assert ann.call("ask", "sure?") == "SURE?"

    def test_an_answer_that_nobody_wants_fails_the_test(self, ann):
        event = ann.last("welcome")
        assert not event.wants_answer
        with pytest.raises(AssertionError, match="does not wait for an answer"):
            event.answer("yes")

    def test_when_it_does_not_answer_time_goes_by(self, harness, ann):
        ann.request("ask", "sure?")
        with pytest.raises(AckTimeout):
            harness.advance(5)

    def test_when_it_leaves_instead_the_server_is_told(self, harness, ann):
        ann.request("ask", "sure?")
        with pytest.raises(ClientGone):
            ann.drop()
