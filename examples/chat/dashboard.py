"""`Dashboard`: an operator watches the chat, and asks its people."""

from __future__ import annotations

from typing import Literal

from sionamespace import AckTimeout, AnswerInvalid, ClientGone, Namespace, event

from activity import Activity
from chat import Chat
from page import ChatPage, DashboardPage
from payloads import Question

__all__ = ["Dashboard"]

ANSWER_TIME = 20
"""How many seconds a person has to answer a question."""

Outcome = Literal["yes", "no", "late", "gone"]


class Dashboard(Namespace, outgoing=DashboardPage):
    """Live figures of the chat, and questions to those who are in it.

    Clients are sent the figures once a second, and send ``ask(name, question)``, whose ack gets
    ``yes``, ``no``, ``late`` or ``gone``.
    """

    def __init__(self, chat: Chat, activity: Activity) -> None:
        self._chat = chat
        self._activity = activity

    def on_connect(self, sid: str) -> None:
        self.show(sid)
        self.spawn(self._keep_showing, sid)

    def show(self, sid: str, volatile: bool = False) -> None:
        """Send a page the figures as they are now."""
        people, messages = self._chat.people(), self._activity.last_minute()
        self.emit(DashboardPage.figures, people, messages, room=sid, volatile=volatile)

    def _keep_showing(self, sid: str) -> None:
        while self.members(sid):
            self.sleep(1)
            self.show(sid, volatile=True)

    @event(concurrent=True)  # so that one operator may ask several people at once
    def on_ask(self, sid: str, name: str, question: Question) -> Outcome:
        page = self._chat.holder(name).sid
        asked = self._chat.call(
            ChatPage.confirm, question, ANSWER_TIME, room=page, timeout=ANSWER_TIME
        )
        try:
            return "yes" if asked.result() else "no"
        except AnswerInvalid:
            return "no"
        except AckTimeout:
            return "late"
        except ClientGone:
            return "gone"
