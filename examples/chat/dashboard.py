"""`Dashboard`: an operator watches the chat, and asks its people."""

from __future__ import annotations

import threading
from typing import Any

from sionamespace import AckTimeout, ClientGone, Namespace, event

from activity import Activity
from chat import Chat
from payloads import Question

__all__ = ["Dashboard"]

ANSWER_TIME = 20
"""How many seconds a person has to answer a question."""


class Dashboard(Namespace):
    """Live figures of the chat, and questions to those who are in it.

    Clients are sent ``figures`` once a second, and send ``ask(name, question)``, whose ack gets
    ``yes``, ``no``, ``late`` or ``gone``.
    """

    def __init__(self, chat: Chat, activity: Activity) -> None:
        self._chat = chat
        self._activity = activity
        self._pushing = False
        self._lock = threading.Lock()

    def on_connect(self, sid: str) -> None:
        self.emit("figures", self._figures(), room=sid)
        with self._lock:
            if not self._pushing:
                self._pushing = True
                self.spawn(self._push)

    @event(concurrent=True)  # so that one operator may ask several people at once
    def on_ask(self, sid: str, name: str, question: Question) -> str:
        asked = self._chat.ask(name, "confirm", question, ANSWER_TIME, timeout=ANSWER_TIME)
        try:
            return "yes" if asked.result() is True else "no"
        except AckTimeout:
            return "late"
        except ClientGone:
            return "gone"

    def _push(self) -> None:
        """Send the figures once a second while somebody looks."""
        while self._is_watched():
            self.sleep(1)
            self.emit("figures", self._figures(), volatile=True)

    def _is_watched(self) -> bool:
        with self._lock:
            self._pushing = bool(self.members())
            return self._pushing

    def _figures(self) -> dict[str, Any]:
        return {"people": self._chat.people(), "messages": self._activity.last_minute()}
