"""What a namespace declares that it sends, and what its clients answer to it."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, NamedTuple, Protocol

import attrs
import msgspec
import pydantic
import pytest

from sionamespace import AnswerInvalid, HandlerError, Namespace, PayloadInvalid, UsageError, event
from sionamespace.testing import Harness, including

if TYPE_CHECKING:
    from nowhere import Nothing  # type: ignore[import-not-found]

pytestmark = pytest.mark.every_runtime


@attrs.frozen
class Message:
    author: str
    text: str = ""


class Choice(pydantic.BaseModel):
    number: int


class Spot(NamedTuple):
    x: int
    name: str


class Slow(pydantic.BaseModel):
    checked: ClassVar[list[int]] = []
    number: int

    @pydantic.field_validator("number")
    @classmethod
    def check(cls, number: int) -> int:
        cls.checked.append(number)
        return number


Stars = Annotated[int, msgspec.Meta(ge=1, le=5)]


class Page(Protocol):
    """What a page can be told and asked."""

    def message(self, message: Message, note: str = "") -> None: ...

    def numbers(self, *numbers: int) -> None: ...

    @event("any name")
    def named(self) -> None: ...

    def confirm(self, question: str) -> bool: ...

    def rate(self) -> Stars: ...

    def place(self) -> tuple[int, str]: ...

    def all(self) -> tuple[int, ...]: ...

    def whatever(self) -> tuple: ...

    def spot(self) -> Spot: ...

    def whisper(self, text: str) -> tuple[()]: ...

    def choose(self) -> Choice | None: ...

    def take_time(self) -> Slow: ...

    def anything(self) -> Any: ...

    def open(self): ...

    def _private(self) -> None: ...


class Chat(Namespace, outgoing=Page):
    def on_connect(self, sid):
        self.enter_room(sid, "lobby")


@pytest.fixture
def harness():
    with Harness(Chat()) as harness:
        yield harness


@pytest.fixture
def chat(harness):
    return harness.namespace(Chat)


@pytest.fixture
def ann(harness):
    return harness.connect()


class TestEmitting:
    def test_it_is_an_event_of_its_name(self, chat, ann):
        chat.emit(Page.message, Message("Bob", "hi"))
        ann.assert_received("message", {"author": "Bob", "text": "hi"})

    def test_it_goes_where_the_emit_says(self, harness, chat, ann):
        bob = harness.connect()
        chat.emit(Page.message, Message("Bob"), room="lobby", skip_sid=bob.sid, volatile=True)
        chat.to("lobby").skip(bob.sid).emit(Page.message, Message("Eve"), "a note")
        chat.everyone.emit(Page.numbers, 1, 2)
        assert len(ann.received(Page.message)) == 2
        bob.refute_received(Page.message)
        bob.assert_received(Page.numbers, 1, 2)
        harness.assert_broadcast(Page.message, including(author="Bob"), room="lobby")
        harness.refute_broadcast(Page.message, room=None)

    def test_a_name_that_is_no_identifier(self, chat, ann):
        chat.emit(Page.named)
        ann.assert_received("any name")

    def test_what_is_not_declared_may_be_named_as_ever(self, chat, ann):
        chat.emit("other", 1)
        chat.emit("message", "of another form")
        ann.assert_received("other", 1)

    @pytest.mark.parametrize(
        ("args", "text"),
        [((), "got 0 arguments, expected 1 to 2"), ((1, 2, 3), "got 3 arguments, expected 1 to 2")],
    )
    def test_the_number_of_arguments_is_checked(self, chat, args, text):
        with pytest.raises(UsageError, match=rf"Page\.message \(.*test_outgoing\.py:\d+\): {text}"):
            chat.emit(Page.message, *args)

    def test_an_event_that_is_to_be_answered_is_not_emitted(self, chat):
        with pytest.raises(UsageError, match=r"Page\.confirm is declared with an answer .* call\("):
            chat.emit(Page.confirm, "sure?")

    def test_what_another_class_declares_is_an_error_that_names_it(self, chat):
        class Other(Protocol):
            def hello(self) -> None: ...

        with pytest.raises(
            UsageError, match=r"Chat does not declare .*hello.*class Chat\(\.\.\., outgoing=Other\)"
        ):
            chat.emit(Other.hello)
        with pytest.raises(UsageError, match=r"does not declare .*Page\._private"):
            chat.to("lobby").emit(Page._private)

    @pytest.mark.parametrize("event", [None, 5, b"message", Page])
    def test_what_cannot_be_an_event_is_said(self, chat, event):
        with pytest.raises(UsageError, match="cannot send an event named"):
            chat.emit(event)


class TestAnswers:
    @pytest.mark.parametrize(
        ("event", "args", "answer", "value"),
        [
            (Page.confirm, ("sure?",), (True,), True),
            (Page.rate, (), (5,), 5),
            (Page.place, (), (7, "b"), (7, "b")),
            (Page.all, (), (1, 2, 3), (1, 2, 3)),
            (Page.all, (), (1,), (1,)),
            (Page.all, (), (), ()),
            (Page.whatever, (), (1, "b"), (1, "b")),
            (Page.spot, (), (1, "b"), Spot(1, "b")),
            (Page.whisper, ("psst",), (), ()),
            (Page.choose, (), ({"number": 1},), Choice(number=1)),
            (Page.choose, (), (None,), None),
            (Page.choose, (), (), None),
            (Page.anything, (), ([1],), [1]),
            (Page.anything, (), (1, 2), (1, 2)),
            (Page.anything, (), (), None),
            (Page.open, (), (1, 2), (1, 2)),
        ],
    )
    def test_an_answer_is_of_the_declared_type(self, chat, ann, event, args, answer, value):
        ann.answers(event, *answer)
        ack = chat.call(event, *args, room=ann.sid)
        assert ack.exception() is None
        assert ack.result() == value
        assert ack.result() is ack.result()

    @pytest.mark.parametrize(
        ("event", "args", "answer", "text"),
        [
            (Page.confirm, ("sure?",), ("yes",), "answer: Expected bool, got str"),
            (Page.confirm, ("sure?",), (), "answer: Expected bool, got null"),
            (Page.confirm, ("sure?",), (True, 1), "got 2 arguments, expected 1"),
            (Page.rate, (), (6,), "answer: Expected int <= 5"),
            (Page.place, (), (7, 8), r"answer\[1\]: Expected str, got int"),
            (Page.place, (), (7,), "got 1 argument, expected 2"),
            (Page.all, (), (1, "b"), r"answer\[1\]: Expected int, got str"),
            (Page.spot, (), (1, 2), r"answer\[1\]: Expected str, got int"),
            (Page.whisper, ("psst",), (True,), "got 1 argument, expected 0"),
            (Page.choose, (), ({"number": "x"},), r"answer\.number: .*integer"),
        ],
    )
    def test_a_wrong_one_is_an_error_where_it_is_awaited(
        self, chat, ann, event, args, answer, text
    ):
        ann.answers(event, *answer)
        ack = chat.call(event, *args, room=ann.sid)
        with pytest.raises(AnswerInvalid, match=text) as caught:
            ack.result()
        assert f"client '{ann.sid}' answered '{event.__name__}' wrongly" in str(caught.value)
        assert str(ack.exception()) == str(caught.value)

        async def wait():
            await ack

        with pytest.raises(PayloadInvalid, match=text):
            asyncio.run(wait())

    def test_each_fault_is_there_with_its_path(self, chat, ann):
        ann.answers(Page.choose, {"number": "x"})
        error = chat.call(Page.choose, room=ann.sid).exception()
        assert [fault["path"] for fault in error.faults] == ["answer.number"]

    def test_without_a_declaration_an_answer_is_what_came(self, chat, ann):
        ann.answers("confirm", "yes")
        assert chat.call("confirm", "sure?", room=ann.sid).result() == "yes"

    def test_an_event_without_an_answer_is_not_called(self, chat, ann):
        with pytest.raises(
            UsageError, match=r"Page\.numbers is declared without an answer .* emit"
        ):
            chat.call(Page.numbers, 1, room=ann.sid)
        with pytest.raises(UsageError, match=r"Page\.message is declared without an answer"):
            chat.everyone.call_all(Page.message, Message("Ann"))

    def test_several_clients_answer_and_a_wrong_answer_spoils_no_other(self, harness, chat, ann):
        bob, eve, joe = harness.connect(), harness.connect(), harness.connect()
        ann.answers(Page.choose, {"number": 1})
        bob.answers(Page.choose, "one")
        joe.answers(Page.choose, None)
        eve.pause()
        harness.allow_unfinished("choose")
        ack = chat.to("lobby").call_all(Page.choose, timeout=5)
        harness.settle()
        assert ack.partial().values == {ann.sid: Choice(number=1), joe.sid: None}
        harness.advance(5)
        answers = ack.result()
        assert answers.values == {ann.sid: Choice(number=1), joe.sid: None}
        assert answers.missing == {eve.sid}
        assert list(answers.wrong) == [bob.sid]
        assert "answered 'choose' wrongly" in str(answers.wrong[bob.sid])

    def test_a_wrong_answer_alone_makes_it_incomplete(self, chat, ann):
        ann.answers(Page.confirm, "yes")
        assert not chat.everyone.call_all(Page.confirm, "sure?").result().complete

    def test_checks_of_the_application_run_where_it_is_awaited_and_not_where_it_comes(
        self, harness, chat, ann
    ):
        Slow.checked.clear()
        ann.answers(Page.take_time, {"number": 1})
        ack = chat.call(Page.take_time, room=ann.sid)
        acks = chat.everyone.call_all(Page.take_time)
        harness.settle()
        assert ack.done()
        assert acks.done()
        assert Slow.checked == []
        assert ack.result() == acks.result().values[ann.sid]
        assert Slow.checked == [1, 1]

    def test_a_handler_that_gets_a_wrong_answer_has_failed_and_others_do_not_read_it(self, caplog):
        class Asking(Namespace, outgoing=Page):
            def on_ask(self, sid, whom):
                return self.call(Page.confirm, "sure?", room=whom).result()

        caplog.set_level(logging.CRITICAL)
        with Harness(Asking(), raise_errors=False) as harness:
            ann, bob = harness.connect(), harness.connect()
            bob.answers("confirm", "secret")
            assert ann.call("ask", bob.sid) == {"error": {"message": "internal error"}}
            assert [type(error) for error in harness.errors] == [AnswerInvalid]

    def test_a_client_whose_on_connect_gets_a_wrong_answer_is_refused_without_details(self):
        class Gate(Namespace, outgoing=Page):
            def on_connect(self, sid, environ, auth):
                if auth:
                    self.call(Page.confirm, "let in?", room=auth["keeper"]).result()

        with Harness(Gate(), raise_errors=False) as harness:
            keeper = harness.connect()
            keeper.answers("confirm", "no")
            refused = harness.connect(auth={"keeper": keeper.sid}).refused
            assert (refused.message, refused.data) == ("internal error", None)


class TestDeclaring:
    def test_subclasses_and_mixins_add_to_it(self):
        class TypingPage(Protocol):
            def typing(self, name: str) -> None: ...

        class Typing(Namespace, outgoing=TypingPage): ...

        class Both(Typing, Chat, outgoing=()): ...

        class More(Chat, outgoing=[TypingPage]): ...

        for cls in (Both, More):
            with Harness(cls()) as harness:
                ann = harness.connect()
                harness.namespace().emit(TypingPage.typing, "Bob")
                harness.namespace().emit(Page.named)
                assert [event.name for event in ann.received()] == ["typing", "any name"]
        assert "typing" not in Chat.declared.events

    def test_a_class_may_extend_another_and_override_an_event(self):
        class Newer(Page, Protocol):
            def message(self, message: Message, note: str = "", more: str = "") -> None: ...

            def named(self) -> None: ...

        class Newest(Chat, outgoing=Newer): ...

        with Harness(Newest()) as harness:
            ann, chat = harness.connect(), harness.namespace()
            chat.emit(Newer.message, Message("Ann"), "a", "b")
            chat.emit(Page.message, Message("Bob"), "a", "b")  # which is Newer's now
            chat.emit(Newer.numbers, 1)
            chat.emit(Page.named)
            assert [event.name for event in ann.received()] == [
                "message",
                "message",
                "numbers",
                "any name",
            ]
        assert Newest.declared.events["message"].function is Newer.message
        assert Chat.declared.events["message"].function is Page.message

    def test_an_override_may_change_the_name(self):
        class Renamed(Page, Protocol):
            @event("other name")
            def named(self) -> None: ...

        class Other(Chat, outgoing=[Renamed, Page]): ...

        with Harness(Other()) as harness:
            ann, chat = harness.connect(), harness.namespace()
            chat.emit(Page.named)
            assert [event.name for event in ann.received()] == ["other name"]
        assert "any name" not in Other.declared.events

    def test_the_rule_for_names_holds_for_what_is_sent_too(self):
        class Base(Namespace):
            event_name = staticmethod(str.upper)

        class Shouting(Base, outgoing=Page): ...

        with Harness(Shouting()) as harness:
            ann = harness.connect()
            harness.namespace().emit(Page.numbers, 1)
            harness.namespace().emit(Page.named)
            assert [event.name for event in ann.received()] == ["NUMBERS", "any name"]
            ann.assert_received(Page.numbers, 1)

    def test_one_class_serves_several_namespaces(self):
        class Other(Namespace, outgoing=(Page,)): ...

        with Harness({"/a": Chat(), "/b": Other()}) as harness:
            ann, bob = harness.connect("/a"), harness.connect("/b")
            harness.namespace(Other).emit(Page.named)
            bob.assert_received(Page.named)
            ann.refute_received(Page.named)

    def test_it_works_at_paths_with_parameters(self):
        with Harness({"/rooms/{room}": Chat}) as harness:
            ann = harness.connect("/rooms/1")
            ann.answers(Page.confirm, False)
            room = harness.namespace("/rooms/1")
            assert room.call(Page.confirm, "sure?", room=ann.sid).result() is False
            assert ann.last(Page.confirm).args == ("sure?",)

    def test_two_declarations_of_an_event_are_an_error(self):
        class Other(Protocol):
            @event("message")
            def said(self) -> None: ...

        with pytest.raises(HandlerError, match=r"Other\.said.*'message': Page\.message"):

            class Wrong(Chat, outgoing=Other): ...

    @pytest.mark.parametrize("outgoing", [5, "Page", [Page, None], Page.message])
    def test_what_is_no_class_is_an_error(self, outgoing):
        with pytest.raises(HandlerError, match=r"Wrong: outgoing= is a class whose methods"):
            type("Wrong", (Namespace,), {}, outgoing=outgoing)

    def test_where_it_is_written_is_said_to_whoever_writes_it_elsewhere(self):
        with pytest.raises(
            HandlerError, match=r"write it as class Wrong\(\.\.\., outgoing=\.\.\.\)"
        ):

            class Wrong(Namespace):
                outgoing = Page

    @pytest.mark.parametrize(
        ("body", "text"),
        [
            ("async def a(self): ...", r"Wrong\.a .*declared with `def`"),
            ("def a(): ...", r"Wrong\.a .*\(self, \.\.\.\)"),
            ("def a(self, *, b): ...", r"Wrong\.a .*'b' is keyword-only"),
            ("def disconnect(self): ...", "'disconnect' is reserved"),
            ("@staticmethod\n def a(self): ...", r"Wrong\.a is a staticmethod; .* as a method"),
            ("@property\n def a(self): ...", r"Wrong\.a is a property"),
            ("@event('a', 'b')\n def a(self): ...", "@event gives one name"),
            ("@event('a', concurrent=True)\n def a(self): ...", "@event gives one name"),
        ],
    )
    def test_what_cannot_stand_for_an_event_is_an_error(self, body, text):
        names: dict[str, Any] = {"event": event}
        exec(f"class Wrong:\n {body}", names)
        with pytest.raises(HandlerError, match=text):
            type("Chat", (Namespace,), {}, outgoing=names["Wrong"])

    def test_an_answer_whose_type_cannot_be_found_or_checked_is_an_error_when_it_is_mounted(self):
        class Hidden(Protocol):
            def where(self) -> Nothing: ...

        class Strange(Protocol):
            def when(self) -> logging.Logger: ...

        for page, text in ((Hidden, "'Nothing' of 'return'"), (Strange, "cannot be checked")):
            chat = type("Chat", (Namespace,), {}, outgoing=page)
            with pytest.raises(HandlerError, match=rf"\w+\.whe\w+ \(.*test_outgoing.py:.*{text}"):
                Harness(chat())
            with pytest.raises(HandlerError, match=text):
                Harness({"/rooms/{room}": chat})

    def test_constants_and_plain_classes_are_fine(self):
        class Plain:
            limit = 5

            def ready(self) -> None:
                """It may begin."""

        assert list(type("Chat", (Namespace,), {}, outgoing=Plain).declared.events) == ["ready"]

    def test_literals_are_answers_too(self):
        class Poll(Protocol):
            def vote(self) -> Literal["yes", "no"]: ...

        class Polls(Namespace, outgoing=Poll): ...

        with Harness(Polls()) as harness:
            ann = harness.connect()
            ann.answers(Poll.vote, "maybe")
            with pytest.raises(AnswerInvalid, match="Invalid enum value 'maybe'"):
                harness.namespace().call(Poll.vote, room=ann.sid).result()
