from __future__ import annotations

import pytest

from sionamespace.acks import Ack
from sionamespace.errors import ClientGone, NotConnected
from sionamespace.protocol.engineio import Parcel
from sionamespace.sessions import Session, Sessions, outside

pytestmark = pytest.mark.every_runtime


class Link:
    """A link that writes down what is sent."""

    transport = "polling"
    protocol = 5

    def __init__(self):
        self.sent = []
        self.reason = None

    def close(self, reason):
        self.reason = reason

    def send(self, parcel, volatile=False):
        self.sent.append((parcel, volatile))


CONNECT, REFUSED, A, B = (Parcel(text) for text in ("40", "44", "42a", "42b"))


@pytest.fixture
def link():
    return Link()


@pytest.fixture
def session(runtime, link):
    environ = {"REMOTE_ADDR": "127.0.0.1"}
    return Session(runtime, link, "/chat", "sid", {"token": 1}, environ, max_held_bytes=20)


@pytest.fixture
def ack(runtime, session):
    ack = Ack(runtime, "confirm", "sid")
    session.acks.add(1, ack)
    return ack


class TestSending:
    def test_what_is_sent_before_it_is_admitted_follows_the_connect_packet(self, session, link):
        session.send(A)
        session.send(B)
        assert link.sent == []
        session.admit(CONNECT)
        assert [parcel for parcel, _ in link.sent] == [CONNECT, A, B]

    def test_what_is_held_back_for_a_client_has_an_end(self, session, link):
        session.send(Parcel("4" + "x" * 20))
        assert link.reason is None
        session.send(A)
        assert link.reason == "slow consumer"

    def test_what_is_sent_afterwards_goes_at_once(self, session, link):
        session.admit(CONNECT)
        session.send(A)
        session.send(B, volatile=True)
        assert link.sent[1:] == [(A, False), (B, True)]

    def test_a_refused_client_gets_nothing_but_the_refusal(self, session, link):
        session.send(A)
        session.refuse(REFUSED)
        session.send(B)
        assert [parcel for parcel, _ in link.sent] == [REFUSED]

    def test_after_it_left_nothing_is_sent(self, session, link):
        session.admit(CONNECT)
        session.leave("client disconnect")
        session.send(A)
        assert [parcel for parcel, _ in link.sent] == [CONNECT]


class TestAnswers:
    def test_a_client_may_answer_its_own_on_connect_once_it_is_admitted(self, session):
        with session.joining():
            assert not session.may_answer()
            session.admit(CONNECT)
            assert session.may_answer()

    def test_anybody_else_may_wait_for_it_before(self, session):
        assert session.may_answer()
        with session.joining():
            assert outside(session.may_answer)

    @pytest.mark.parametrize("end", [lambda s: s.leave("gone"), lambda s: s.refuse(REFUSED)])
    def test_who_waits_for_one_that_leaves_or_is_refused_is_told_at_once(self, session, ack, end):
        end(session)
        with pytest.raises(ClientGone):
            ack.result()
        assert session.may_answer()  # so that nobody is told to wait for it later

    def test_the_first_reason_stays_when_it_is_refused_after_it_left(self, session):
        session.leave("transport close")
        session.refuse(REFUSED)
        assert session.leaving == "transport close"


def test_what_the_application_sees_of_it(session):
    client = session.client(frozenset({"sid", "lobby"}))
    assert (client.sid, client.auth) == ("sid", {"token": 1})
    assert client.rooms == {"sid", "lobby"}
    assert (client.transport, client.protocol) == ("polling", 5)
    assert client.environ["REMOTE_ADDR"] == "127.0.0.1"
    assert client.connected_at == session.connected_at


class TestSessions:
    def test_a_session_is_found_by_its_sid_until_it_is_removed(self, session):
        sessions = Sessions("/chat")
        sessions.add(session)
        assert sessions["sid"] is sessions.get("sid") is session
        assert len(sessions) == 1
        sessions.remove("sid")
        sessions.remove("sid")
        assert sessions.get("sid") is None
        assert len(sessions) == 0

    def test_who_is_not_there_is_not_connected_to_the_path(self):
        with pytest.raises(NotConnected, match="'sid' is not connected to /chat"):
            Sessions("/chat")["sid"]
