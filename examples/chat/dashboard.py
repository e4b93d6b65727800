"""`Dashboard`: an operator watches the chat, and asks its people."""

from __future__ import annotations

import threading

from sionamespace import AckTimeout, AnswerInvalid, ClientGone, Namespace, event

from activity import Activity
from chat import Chat
from page import ChatPage, DashboardPage, Figures
from payloads import Question

__all__ = ["Dashboard"]

ANSWER_TIME = 20
"""How many seconds a person has to answer a question."""


class Dashboard(Namespace, outgoing=DashboardPage):
    """Live figures of the chat, and questions to those who are in it.

    Clients are sent the figures once a second, and send ``ask(name, question)``, whose ack gets
    ``yes``, ``no``, ``late`` or ``gone``.
    """

    def __init__(self, chat: Chat, activity: Activity) -> None:
        self._chat = chat
        self._activity = activity
        self._pushing = False
        self._lock = threading.Lock()

    def on_connect(self, sid: str) -> None:
        self.emit(DashboardPage.figures, self._figures(), room=sid)
        with self._lock:
            if not self._pushing:
                self._pushing = True
                self.spawn(self._push)

    @event(concurrent=True)  # so that one operator may ask several people at once
    def on_ask(self, sid: str, name: str, question: Question) -> str:
        page = self._chat.page_of(name)
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

    def _push(self) -> None:
        """Send the figures once a second while somebody looks."""
        while self._is_watched():
            self.sleep(1)
            self.emit(DashboardPage.figures, self._figures(), volatile=True)

    def _is_watched(self) -> bool:
        with self._lock:
            self._pushing = bool(self.members())
            return self._pushing

    def _figures(self) -> Figures:
        return Figures(self._chat.people(), self._activity.last_minute())
