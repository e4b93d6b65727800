from __future__ import annotations

import pytest

from sionamespace.engine.memory import MemoryLink
from sionamespace.protocol.engineio import PING, Parcel


class Receiver:
    def __init__(self):
        self.reasons = []

    def closed(self, reason):
        self.reasons.append(reason)


@pytest.fixture
def delivered():
    return []


@pytest.fixture
def link(delivered):
    link = MemoryLink(delivered.append, max_outbox_bytes=20)
    link.receiver = Receiver()
    return link


def message(text, *attachments):
    return Parcel.of_message(text, attachments)


def test_messages_are_delivered_at_once_with_their_attachments(link, delivered):
    link.send(message("a", b"1", b"2"))
    link.send(message("b"), volatile=True)
    assert delivered == ["a", b"1", b"2", "b"]


def test_control_packets_are_not_delivered(link, delivered):
    link.send(Parcel(PING))
    assert delivered == []


def test_a_paused_client_gets_what_it_missed_in_order_but_nothing_volatile(link, delivered):
    link.pause()
    link.send(message("a"))
    link.send(message("b"), volatile=True)
    link.send(message("c", b"1"))
    assert delivered == []
    link.resume()
    link.send(message("d"))
    assert delivered == ["a", "c", b"1", "d"]


def test_a_paused_client_for_which_too_much_waits_is_closed(link):
    link.pause()
    link.send(message("x" * 20))
    assert link.reason is None
    link.send(message(""))
    assert link.reason == "slow consumer"
    assert link.receiver.reasons == ["slow consumer"]


def test_after_the_close_nothing_is_sent(link, delivered):
    link.close("server disconnect")
    link.send(message("late"))
    assert delivered == []


def test_the_close_is_told_once_with_the_first_reason(link):
    link.close("first")
    link.close("second")
    assert link.receiver.reasons == ["first"]
    assert link.reason == "first"


def test_what_was_sent_before_the_close_still_arrives(link, delivered):
    link.pause()
    link.send(message("a"))
    link.close("server disconnect")
    link.resume()
    assert delivered == ["a"]


def test_what_is_sent_while_it_resumes_follows_what_was_kept(delivered):
    def deliver(received):
        delivered.append(received)
        if received == "a":
            link.send(message("answer"))

    link = MemoryLink(deliver, max_outbox_bytes=20)
    link.pause()
    link.send(message("a"))
    link.send(message("b"))
    link.resume()
    assert delivered == ["a", "b", "answer"]
