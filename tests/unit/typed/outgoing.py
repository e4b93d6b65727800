"""What mypy --strict says of declared events and their answers; each wrong line says what."""

from __future__ import annotations

from typing import Literal, Protocol

import attrs

from sionamespace import Ack, Answers, BroadcastAck, Namespace, Server, Sid, event
from sionamespace.blocks import Presence, RoomPolicy
from sionamespace.testing import Harness, stub


@attrs.frozen
class Message:
    text: str


class ChatPage(Protocol):
    def message(self, message: Message) -> None: ...

    def joined(self, room: str, note: str = "") -> None: ...

    def numbers(self, *numbers: int) -> None: ...

    def ready(self) -> None: ...

    @event("any name")
    def named(self, text: str | None) -> None: ...

    def confirm(self, question: str) -> bool: ...

    def place(self) -> tuple[int, str]: ...

    def vote(self) -> Literal["yes", "no"] | None: ...

    def receipt(self, text: str) -> tuple[()]: ...


class LoungePage(ChatPage, Protocol):
    def music(self, title: str) -> None: ...


class Chat(Namespace, outgoing=ChatPage):
    def on_message(self, sid: Sid, text: str) -> bool:
        self.emit(ChatPage.message, Message(text), room="lobby", skip_sid=sid, volatile=True)
        self.emit(ChatPage.joined, "lobby")
        self.emit(ChatPage.joined, "lobby", "a note")
        self.emit(ChatPage.numbers)
        self.emit(ChatPage.numbers, 1, 2)
        self.emit(ChatPage.ready)
        self.emit(ChatPage.named, None)
        self.emit("any other", text, 1, room=sid)
        sure: bool = self.call(ChatPage.confirm, "sure?", room=sid, timeout=5).result()
        return sure

    async def on_place(self, sid: Sid) -> tuple[int, str]:
        number, street = await self.call(ChatPage.place, room=sid)
        return number + 1, street.upper()

    async def wrong_answers(self, sid: Sid) -> None:
        sure = await self.call(ChatPage.confirm, "?", room=sid)
        sure.upper()  # error: "bool" has no attribute "upper"
        votes = await self.everyone.call_all(ChatPage.vote)
        votes.values["a"].nonsense()  # error: has no attribute "nonsense"

    def on_votes(self, sid: Sid) -> int:
        votes: BroadcastAck[Literal["yes", "no"] | None]
        votes = self.to("lobby").skip(sid).call_all(ChatPage.vote, timeout=5)
        answers: Answers[Literal["yes", "no"] | None] = votes.result()
        return sum(vote == "yes" for vote in answers.values.values())

    def ask(self, sid: Sid) -> Ack[bool]:
        return self.call(ChatPage.confirm, "sure?", room=sid)

    def plain(self, sid: Sid) -> int:
        answer: int = self.call("number", 1, "b", room=sid).result()
        return answer

    def wrong(self, sid: Sid) -> None:
        self.emit(ChatPage.mesage, Message(""))  # error: has no attribute "mesage"
        self.emit(ChatPage.message, "text")  # error: Argument 1 to "emit"
        self.emit(ChatPage.message)  # error: Argument 1 to "emit"
        self.emit(ChatPage.message, Message(""), 1)  # error: Argument 1 to "emit"
        self.emit(ChatPage.joined, "lobby", 5)  # error: Argument 1 to "emit"
        self.emit(ChatPage.numbers, "1")  # error: Argument 1 to "emit"
        self.emit(ChatPage.ready, rooms="lobby")  # error: Unexpected keyword argument "rooms"
        self.emit(ChatPage.confirm, "sure?")  # error: Argument 1 to "emit"
        self.everyone.emit(ChatPage.message, "text")  # error: Argument 1 to "emit"
        self.call(ChatPage.confirm, 5, room=sid)  # error: Argument 1 to "call"
        self.call(ChatPage.confirm, "?")  # error: No overload variant of "call"
        self.everyone.call_all(ChatPage.confirm, 5)  # error: Argument 1 to "call_all"
        text: str = self.call(ChatPage.confirm, "?", room=sid).result()  # error: Incompatible types
        self.call(ChatPage.place, room=sid).result().upper()  # error: has no attribute "upper"
        if self.call(ChatPage.vote, room=sid).result() == "maybe":  # error: Non-overlapping
            print(text)


class Wrong(Namespace, outgoing="ChatPage"):  # error: Argument "outgoing"
    pass


class Lounge(Presence, RoomPolicy, outgoing=LoungePage):
    def joined(self, sid: Sid, room: str) -> None:
        self.publish(room, LoungePage.music, "a song", skip_sid=sid)
        self.to_user("ann").emit(LoungePage.message, Message(""))
        self.publish(room, "music", "a song", 5)
        self.publish(room, LoungePage.music, 5)  # error: Argument 2 to "publish"


class StaffPage(Protocol):
    def reported(self, sid: Sid) -> None: ...


class Staff(Chat, outgoing=[StaffPage]):
    def on_report(self, sid: Sid) -> None:
        self.emit(StaffPage.reported, sid)
        self.emit(ChatPage.ready)


server = Server({"/": Chat(), "/lounge": Lounge()})
server.namespace("/").emit(ChatPage.ready)
server.namespace("/").emit(ChatPage.ready, 1)  # error: Argument 1 to "emit"
ack: Ack[bool] = server.namespace(Chat).ask("sid")
server.namespace(Chat).asks("sid")  # error: has no attribute "asks"
server.namespace(int)  # error: cannot be "int"

harness = Harness(Chat)
chat: Chat = harness.namespace(Chat)
client = harness.connect()
client.answers(ChatPage.confirm, True)
client.assert_received(ChatPage.message, {"text": "hi"})
harness.assert_broadcast(ChatPage.message, room="lobby")
client.assert_received(ChatPage.mesage)  # error: has no attribute "mesage"
stub(Chat, answers={ChatPage.confirm: True, "place": (1, "b")}).ask("sid")
