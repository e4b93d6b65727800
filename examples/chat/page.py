"""What a page is sent, and asked."""

from __future__ import annotations

from typing import Any, Protocol

import attrs

__all__ = ["ChatPage", "DashboardPage", "Figures", "Message", "Picture", "Whisper"]


@attrs.frozen
class Message:
    """What somebody said; ``at`` is in seconds since 1970."""

    id: str
    name: str
    at: float
    text: str


@attrs.frozen
class Picture:
    """What somebody showed: an image file, and its MIME type."""

    id: str
    name: str
    at: float
    type: str
    data: bytes = attrs.field(repr=lambda data: f"<{len(data)} bytes>")


@attrs.frozen
class Whisper:
    """What somebody says to one person alone."""

    name: str
    at: float
    text: str


class ChatPage(Protocol):
    """A page of the chat. Who is where, and what a room remembers, it is told by the blocks."""

    def welcome(self, name: str) -> None:
        """You are in, under this name."""

    def message(self, message: Message) -> None: ...

    def picture(self, picture: Picture) -> None: ...

    def typing(self, name: str) -> None: ...

    def whisper(self, whisper: Whisper) -> Any:
        """Whatever it answers: it has arrived then."""

    def confirm(self, question: str, seconds: float) -> bool:
        """What the person says to a question of the operator."""


@attrs.frozen
class Figures:
    """How the chat is: everybody's room, and the messages of each of the last 60 seconds."""

    people: dict[str, str]
    messages: list[int]


class DashboardPage(Protocol):
    """A page of the dashboard."""

    def figures(self, figures: Figures) -> None: ...
