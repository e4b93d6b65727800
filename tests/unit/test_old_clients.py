"""Clients 1.x and 2.x, which are in ``/`` without asking, and know their sids by themselves."""

from __future__ import annotations

import pytest

from sionamespace import Namespace, Reason, Refused
from sionamespace.application import Application
from sionamespace.engine.memory import MemoryLink
from sionamespace.options import Options
from sionamespace.testing.runtime import ManualRuntime


class Diary(Namespace):
    """Writes down who comes, what they bring along, and who goes."""

    def __init__(self):
        self.entries = []

    def on_connect(self, sid, environ, auth):
        self.entries.append((sid, auth))
        if auth == {"wish": "refused"}:
            raise Refused("no seats", {"seats": 0})
        self.emit("welcome", room=sid)

    def on_note(self, sid, text):
        return text

    def on_disconnect(self, sid, reason):
        self.entries.append((sid, reason))


class OldClient:
    """A client of revision 4, whose connection has the id "abc"."""

    def __init__(self, routes, query="EIO=3&transport=websocket", **options):
        self.heard = []
        self.runtime = ManualRuntime()
        self.application = Application(routes, self.runtime, Options.parse(options), None)
        self.link = MemoryLink(self.heard.append, 2**20)
        self.link.protocol, self.link.sid = 4, "abc"
        self.link.receiver = self.application.accept(self.link, {"QUERY_STRING": query})
        self.runtime.settle()

    def says(self, *messages):
        """What it hears until all is quiet."""
        self.heard.clear()
        for message in messages:
            self.link.receiver.receive(message)
        self.runtime.settle()
        return list(self.heard)


@pytest.fixture
def diary():
    return Diary()


class TestRoot:
    """What ``greet`` does."""

    def test_a_client_is_let_in_without_asking_and_told_no_sid(self, diary):
        client = OldClient({"/": diary})
        assert client.heard == ["0", '2["welcome"]']
        assert diary.members() == {"abc"}
        assert diary.client("abc").protocol == 4

    def test_its_handshakes_query_is_its_auth(self, diary):
        OldClient({"/": diary}, "EIO=3&transport=polling&t=1-0&b64=1&token=x+y&token=z")
        assert diary.entries == [("abc", {"token": ["x y", "z"]})]

    def test_a_refusal_is_the_data_and_without_any_the_message(self, diary):
        class Closed(Namespace):
            def on_connect(self):
                return False

        assert OldClient({"/": diary}, "wish=refused").heard == ['4{"seats":0}']
        assert OldClient({"/": Closed}).heard == ['4"connection refused by the server"']

    def test_events_and_answers_are_those_of_other_clients(self, diary):
        client = OldClient({"/": diary})
        assert client.says('27["note","é"]') == ['37["é"]']

    def test_who_leaves_it_may_ask_for_it_again(self, diary):
        client = OldClient({"/": diary})
        assert client.says("1", "0") == ["0", '2["welcome"]']
        assert diary.entries == [("abc", None), ("abc", Reason.CLIENT), ("abc", None)]

    def test_nobody_is_greeted_whose_connection_ended_at_once(self, diary):
        runtime, heard = ManualRuntime(), []
        application = Application({"/": diary}, runtime, Options.parse({}), None)
        link = MemoryLink(heard.append, 2**20)
        link.protocol = 4
        link.receiver = application.accept(link, {})
        link.close("gone")
        runtime.settle()
        assert (heard, diary.entries) == ([], [])


class TestWithoutRoot:
    """A namespace ``/`` that is not mounted must not keep them from the others."""

    @pytest.fixture
    def client(self, diary):
        return OldClient({"/chat": diary})

    def test_they_are_let_in_all_the_same(self, client, diary):
        assert client.heard == ["0"]
        assert diary.entries == []

    def test_and_join_the_others(self, client, diary):
        assert client.says("0/chat?name=Ann%20B") == ["0/chat,", '2/chat,["welcome"]']
        assert diary.entries == [("/chat#abc", {"name": "Ann B"})]

    def test_what_they_say_there_is_not_heard_and_harms_nothing(self, client):
        assert client.says('21["note","x"]', "1", '51-["note",{"_placeholder":true,"num":0}]') == []
        assert client.says(b"data") == []
        assert client.says("0/chat")[0] == "0/chat,"

    def test_who_joins_no_other_is_closed_in_time(self, diary):
        client = OldClient({"/chat": diary}, connect_timeout=10)
        client.runtime.advance(9)
        assert client.link.reason is None
        client.runtime.advance(1)
        assert client.link.reason == Reason.CONNECT_TIMEOUT

    def test_current_clients_are_refused_there(self, diary):
        client = OldClient({"/chat": diary})
        link = MemoryLink(client.heard.append, 2**20)
        link.receiver = client.application.accept(link, {})
        link.receiver.receive("0")
        client.runtime.settle()
        assert client.heard[-1] == '4{"message":"Invalid namespace"}'


class TestOtherNamespaces:
    def test_an_unknown_one_is_refused_with_a_text(self, diary):
        assert OldClient({"/": diary}).says("0/nowhere") == ['4/nowhere,"Invalid namespace"']

    def test_without_a_query_of_its_own_the_handshakes_is_the_auth(self, diary):
        client = OldClient({"/": Namespace, "/chat": diary}, "EIO=3&token=x")
        client.says("0/chat")
        assert diary.entries == [("/chat#abc", {"token": "x"})]

    def test_they_may_leave_and_come_back_with_the_same_sid(self, diary):
        client = OldClient({"/": Namespace, "/chat": diary})
        client.says("0/chat?a=1", "1/chat", "0/chat?a=2")
        sid = "/chat#abc"
        assert diary.entries == [(sid, {"a": "1"}), (sid, Reason.CLIENT), (sid, {"a": "2"})]
        assert diary.members() == {sid}

    def test_who_comes_back_has_none_of_its_rooms_of_before(self, diary):
        client = OldClient({"/": Namespace, "/chat": diary})
        client.says("0/chat")
        sid = "/chat#abc"
        diary.enter_room(sid, "before")
        client.says("1/chat", "0/chat")
        assert diary.rooms(sid) == {sid}
        assert diary.members("before") == set()
        diary.enter_room(sid, "now")
        diary.emit("news", room="now")
        assert client.heard[-1] == '2/chat,["news"]'

    def test_the_end_of_a_refused_one_takes_no_room_of_who_has_come_back(self, diary):
        client = OldClient({"/": Namespace, "/chat": diary})
        heard = client.says("0/chat?wish=refused", "1/chat", "0/chat?a=2")
        sid = "/chat#abc"
        assert heard[-2:] == ["0/chat,", '2/chat,["welcome"]']
        assert diary.rooms(sid) == {sid}
        diary.emit("news", room=sid)
        assert client.heard[-1] == '2/chat,["news"]'
