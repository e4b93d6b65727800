"""Answers that come later, or never."""

from __future__ import annotations

import pytest

from sionamespace import NO_REPLY, Namespace, Reply, UsageError
from sionamespace.testing import Harness

pytestmark = pytest.mark.every_runtime


class Export(Namespace):
    def on_export(self, sid, what):
        self.reply = Reply()
        return self.reply

    def on_early(self, sid):
        reply = Reply()
        reply.send("early", 1)
        return reply

    def on_background(self, sid):
        reply = Reply()

        def work():
            self.sleep(3)
            reply.send("done")

        self.spawn(work)
        return reply

    def on_never(self, sid):
        return NO_REPLY


@pytest.fixture
def harness():
    with Harness(Export()) as h:
        yield h


def test_a_reply_answers_when_it_is_sent(harness):
    request = harness.connect().request("export", "x")
    assert not request.answered
    harness.namespace().reply.send("url", 2)
    harness.settle()
    assert request.answer == ("url", 2)


def test_a_reply_may_be_sent_before_the_handler_returns(harness):
    assert harness.connect().call("early") == ("early", 1)


def test_a_reply_may_come_from_a_background_task(harness):
    request = harness.connect().request("background")
    assert not request.answered
    harness.advance(3)
    assert request.answer == "done"


def test_a_reply_is_sent_once(harness):
    harness.connect().request("export", "x")
    reply = harness.namespace().reply
    reply.send()
    with pytest.raises(UsageError, match="answered once"):
        reply.send()


def test_a_reply_may_refuse(harness):
    request = harness.connect().request("export", "x")
    harness.namespace().reply.refuse("no such thing", {"id": 1})
    harness.settle()
    assert request.answer == {"error": {"message": "no such thing", "data": {"id": 1}}}


def test_a_reply_that_cannot_be_sent_is_an_error_where_it_is_sent(harness):
    request = harness.allow_unfinished("export").connect().request("export", "x")
    with pytest.raises(UsageError, match="cannot send"):
        harness.namespace().reply.send(object())
    assert not request.answered


def test_a_reply_to_a_client_that_left_is_no_error(harness):
    client = harness.connect()
    client.request("export", "x")
    client.drop()
    harness.namespace().reply.send("late")


def test_a_handler_may_leave_the_ack_unanswered(harness):
    client = harness.connect()
    assert not client.request("never").answered
    assert client.call("early") == ("early", 1)
