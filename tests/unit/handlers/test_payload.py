"""What a client sent, checked by a handler's annotations."""

from __future__ import annotations

import dataclasses
import datetime
import enum
import functools
import logging
import uuid
from typing import TYPE_CHECKING, Annotated, Any, Literal, Optional, TypedDict

import attrs
import msgspec
import pydantic
import pydantic.dataclasses
import pytest

from sionamespace import HandlerError, Namespace, event
from sionamespace.handlers.payload import Payload
from sionamespace.testing import Harness

if TYPE_CHECKING:
    from sionamespace import Sid  # a handler may say `sid: Sid`, which nobody looks up

pytestmark = pytest.mark.every_runtime

Name = Annotated[str, msgspec.Meta(min_length=2, max_length=10)]


class Color(enum.Enum):
    RED = "red"


@attrs.frozen
class Point:
    x: int
    y: int = attrs.field(default=0, validator=attrs.validators.ge(0))


@attrs.frozen
class Sized:
    size: str = attrs.field(validator=attrs.validators.in_(["S", "M"]))


@dataclasses.dataclass
class Line:
    points: list[Point]
    color: Color | None = None


@dataclasses.dataclass
class Basket:
    amount: Annotated[int, pydantic.Field(ge=1)]


@pydantic.dataclasses.dataclass
class Crate:
    amount: int = pydantic.Field(ge=1)


class Options(TypedDict, total=False):
    bold: bool


class Message(msgspec.Struct, rename="camel", forbid_unknown_fields=True):
    user_name: Name
    options: Options = {}
    parts: dict[str, int] = {}


class Order(pydantic.BaseModel):
    number: int = pydantic.Field(ge=1, alias="orderNumber")
    lines: list[str] = []
    picture: bytes = b""


class Tree(msgspec.Struct):
    children: list[Tree]


class Later(Namespace):
    """Its annotation names what comes after it."""

    def on_thing(self, sid, thing: DefinedLater):
        return thing.value


class DefinedLater(msgspec.Struct):
    value: int


def handler_of(*kinds, rest=Any):
    """A namespace whose handler of ``x`` takes such arguments and keeps what it gets."""
    got = []

    parameters = "".join(f", a{at}: kinds[{at}]" for at in range(len(kinds)))
    names = "".join(f"a{at}, " for at in range(len(kinds)))
    scope = {"kinds": kinds, "rest": rest, "got": got}
    exec(f"def on_x(self, sid{parameters}, *args: rest): got.append(({names}*args))", scope)
    return type("Chat", (Namespace,), {"on_x": scope["on_x"]}), got


@pytest.mark.manual("a matter of values")
@pytest.mark.parametrize(
    ("kind", "sent", "becomes"),
    [
        (int, 5, 5),
        (float, 5, 5.0),
        (str, "ü", "ü"),
        (bytes, b"\x00", b"\x00"),
        (bool, True, True),
        (dict, {"a": 1}, {"a": 1}),
        (Point, {"x": 1}, Point(1)),
        (Line, {"points": [{"x": 1}], "color": "red"}, Line([Point(1, 0)], Color.RED)),
        (Options, {"bold": True}, {"bold": True}),
        (Message, {"userName": "Ann"}, Message("Ann")),
        (Order, {"orderNumber": 1, "picture": b"\xff"}, Order(orderNumber=1, picture=b"\xff")),
        (list[Order], [{"orderNumber": 2}], [Order(orderNumber=2)]),
        (Optional[Order], None, None),  # noqa: UP045
        (Optional[Point], {"x": 2}, Point(2)),  # noqa: UP045
        (dict[int, str], {"1": "a"}, {1: "a"}),
        (Literal["a", "b"], "b", "b"),
        (tuple[int, str], [1, "a"], (1, "a")),
        (set[int], [1, 1], {1}),
        (datetime.date, "2026-11-23", datetime.date(2026, 11, 23)),
        (uuid.UUID, "12345678123456781234567812345678", uuid.UUID("12345678" * 4)),
        (Annotated[int, msgspec.Meta(ge=0)], 0, 0),
        (object, {"a": [b"x"]}, {"a": [b"x"]}),
        (dict[str, object], {"a": None}, {"a": None}),
        (list[Any], [1, b"x"], [1, b"x"]),
        (Any, None, None),
    ],
)
def test_what_fits_becomes_the_type(kind, sent, becomes):
    chat, got = handler_of(kind)
    with Harness(chat) as h:
        assert h.connect().call("x", sent) is None
    ((value,),) = got
    assert value == becomes
    assert type(value) is type(becomes)


@pytest.mark.manual("a matter of values")
@pytest.mark.parametrize(
    ("kind", "sent", "faults"),
    [
        (int, "1", {"args[0]": "Expected int, got str"}),
        (int, True, {"args[0]": "Expected int, got bool"}),
        (bytes, "eA==", {"args[0]": "Expected bytes, got str"}),
        (str, None, {"args[0]": "Expected str, got null"}),
        (Name, "x", {"args[0]": "Expected str of length >= 2"}),
        (Color, "blue", {"args[0]": "Invalid enum value 'blue'"}),
        (Point, {}, {"args[0].x": "Missing"}),
        (Point, [], {"args[0]": "Expected object, got array"}),
        (Point, {"x": 1, "y": -1}, {"args[0]": "'y' must be >= 0: -1"}),
        (
            Line,
            {"points": [{"x": "1"}, {"x": 2}, {"y": "2"}], "color": 7},
            {
                "args[0].points[0].x": "Expected int, got str",
                "args[0].points[2].x": "Missing",
                "args[0].points[2].y": "Expected int, got str",
                "args[0].color": "Expected str | null, got int",
            },
        ),
        (
            Message,
            {"userName": 1, "options": {"bold": "yes"}, "parts": {"a": 1, "b": "2"}},
            {
                "args[0].userName": "Expected str, got int",
                "args[0].options.bold": "Expected bool, got str",
                "args[0].parts.b": "Expected int, got str",
            },
        ),
        (Message, {"userName": "Ann", "x": 1}, {"args[0]": "Object contains unknown field x"}),
        (
            list[Order],
            [{"orderNumber": 0, "lines": ["a", 5]}, {}],
            {
                "args[0][0].orderNumber": "Input should be greater than or equal to 1",
                "args[0][0].lines[1]": "Input should be a valid string",
                "args[0][1].orderNumber": "Field required",
            },
        ),
        (Order, {}, {"args[0].orderNumber": "Field required"}),
        (
            list[Sized],
            [{"size": "S"}, {"size": "L"}],
            {"args[0][1]": "'size' must be in ['S', 'M'] (got 'L')"},
        ),
        (Crate, {"amount": 0}, {"args[0].amount": "Input should be greater than or equal to 1"}),
        (dict[int, str], {"x": "y"}, {"args[0]": "a key: Expected int, got str"}),
    ],
)
def test_what_does_not_fit_is_answered_with_each_fault_and_the_handler_is_not_called(
    kind, sent, faults, caplog
):
    chat, got = handler_of(kind)
    with Harness(chat) as h:
        error = h.connect().call("x", sent)["error"]
    assert {fault["path"]: fault["reason"] for fault in error["data"]} == faults
    assert error["message"].startswith(f"x: {error['data'][0]['path']}: ")
    assert got == []
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert record.exc_info is None


class Shapes(Namespace):
    def on_connect(self, sid, environ: Mapping, auth: Point):  # noqa: F821 # ours, and not looked up
        self.session(sid)["at"] = auth

    def on_at(self, sid: Sid):
        at = self.session(sid)["at"]
        return [at.x, at.y]

    def on_plain(self, sid: Sid, point: Point, color: Color = Color.RED, note: str = None):  # noqa: RUF013
        return [point.x, color.value, note]

    async def on_asynchronous(self, sid, point: Point):
        return point

    @event("sum")
    def add(self, sid, first: int, *others: int):
        return first + sum(others)

    def on_free(self, sid, anything, number: int):
        return [anything, number]

    def on_parts(self, sid, parts: dict[str, int]): ...

    @event("*")
    def rest(self, sid: Sid, name: str, *args: int):
        return [name, *args]

    def on_disconnect(self, sid: Sid, reason: SomethingUnknown): ...  # noqa: F821 # ours as well


@pytest.fixture
def client():
    with Harness(Shapes()) as h:
        yield h.connect(auth={"x": 1})


def test_both_kinds_of_handlers_get_real_objects(client):
    assert client.call("plain", {"x": 3}) == [3, "red", None]
    assert client.call("asynchronous", {"x": 3}) == {"x": 3, "y": 0}
    for name in ("plain", "asynchronous"):
        error = client.call(name, {"x": "3"})["error"]
        assert error == {
            "message": f"{name}: args[0].x: Expected int, got str",
            "data": [{"path": "args[0].x", "reason": "Expected int, got str"}],
        }


def test_what_is_left_out_has_its_default_and_null_is_a_default_of_none(client):
    assert client.call("plain", {"x": 3}, "red", None) == [3, "red", None]
    assert client.call("plain", {"x": 3}, None)["error"]["data"][0]["path"] == "args[1]"


def test_variadic_arguments_are_checked_each(client):
    assert client.call("sum", 1) == 1
    assert client.call("sum", 1, 2, 3) == 6
    faults = client.call("sum", 1, "2", 3, None)["error"]["data"]
    assert [fault["path"] for fault in faults] == ["args[1]", "args[3]"]
    assert client.call("anything", 1, 2) == ["anything", 1, 2]
    assert client.call("anything", 1, "2")["error"]["data"][0]["path"] == "args[1]"


def test_an_argument_without_annotation_is_not_looked_at(client):
    assert client.call("free", {"a": [b"x"]}, 1) == [{"a": [b"x"]}, 1]
    assert client.call("free", 1, "2")["error"]["data"][0]["path"] == "args[1]"


def test_too_few_and_too_many_are_told_as_before(client):
    error = client.call("plain")["error"]
    assert error == {"message": "plain: got 0 arguments, expected 1 to 3"}


def test_auth_is_checked_and_a_client_refused_with_the_faults(client, caplog):
    assert client.call("at") == [1, 0]
    with Harness(Shapes()) as h:
        refused = h.connect(auth={"x": "1", "y": "2"}).refused
        assert refused.message == "auth.x: Expected int, got str; auth.y: Expected int, got str"
        assert refused.data[1] == {"path": "auth.y", "reason": "Expected int, got str"}
        assert h.connect().refused.data == [{"path": "auth", "reason": "Expected object, got null"}]
    assert len(caplog.records) == 2


def test_middleware_sees_what_was_sent_and_what_it_changes_is_checked():
    seen = []

    def watch(call, next):
        seen.append(call.args)
        return next(call.with_args({"x": call.args[0]}))

    class Chat(Namespace):
        @event(middleware=[watch])
        def on_x(self, sid, point: Point):
            return point.x

        @event(middleware=[watch])
        async def on_y(self, sid, point: Point):
            return point.x

    with Harness(Chat()) as h:
        client = h.connect()
        for name in "xy":
            assert client.call(name, 5) == 5
            assert client.call(name, "5")["error"]["data"][0]["path"] == "args[0].x"
    assert seen == [(5,), ("5",)] * 2


def test_results_of_those_types_are_sent_and_bytes_stay_bytes():
    class Chat(Namespace):
        def on_all(self, sid):
            return Point(1), Line([Point(2)]), Message("Ann"), Order(orderNumber=3, picture=b"\x00")

        def on_nested(self, sid):
            return {
                "orders": [Order(orderNumber=4)],
                "line": attrs.make_class("A", ["o"])(Order(orderNumber=5, picture=b"\xff")),
            }

    with Harness(Chat()) as h:
        client = h.connect()
        order = {"orderNumber": 3, "lines": [], "picture": b"\x00"}
        assert client.call("all") == (
            {"x": 1, "y": 0},
            {"points": [{"x": 2, "y": 0}], "color": None},
            {"userName": "Ann", "options": {}, "parts": {}},
            order,
        )
        nested = client.call("nested")
        assert nested["orders"] == [{"orderNumber": 4, "lines": [], "picture": b""}]
        assert nested["line"] == {"o": {"orderNumber": 5, "lines": [], "picture": b"\xff"}}


def test_annotations_may_name_what_comes_later():
    with Harness(Later()) as h:
        assert h.connect().call("thing", {"value": 3}) == 3


def test_a_decorated_handler_is_checked_by_what_it_decorates():
    def logged(function):
        @functools.wraps(function)
        def inner(*args):
            return function(*args)

        return inner

    class Chat(Namespace):
        @logged
        def on_x(self, sid, point: Point):
            return point.x

        @staticmethod
        def on_y(sid, point: Point):
            return point.x

    with Harness(Chat()) as h:
        client = h.connect()
        assert [client.call(name, {"x": 1}) for name in "xy"] == [1, 1]


@pytest.mark.manual("found out without a client")
def test_without_annotations_nothing_is_checked_and_nothing_is_there():
    class Chat(Namespace):
        def on_connect(self, sid: str, environ: dict, auth): ...
        def on_x(self, sid: str, a, *rest: Any) -> int: ...
        def on_disconnect(self, sid: str, reason: str): ...

    assert [spec.payload for spec in Chat.handlers] == [None, None, None]


@pytest.mark.manual("a fault of the application")
@pytest.mark.parametrize(
    ("annotation", "text"),
    [
        ("Missing", "'Missing' of 'a' cannot be found .*at the top level of the module"),
        ("list[", "cannot be found"),
        (Harness, "'a' cannot be checked: nothing that a client sends is a .*Harness"),
        (list[Harness], "cannot be checked"),
        (Point | Line, "cannot be checked: Type unions may not contain more than one"),
        (5, "cannot be checked"),
        (Annotated[int, pydantic.Field(ge=1)], "nobody would see to FieldInfo.*msgspec.Meta"),
        (list[pydantic.PositiveInt] | None, r"nobody would see to Gt\(gt=0\)"),
        (dict[str, Basket], "nobody would see to FieldInfo"),
        (list[Crate], "Crate'> checks itself only where it stands alone"),
    ],
)
@pytest.mark.parametrize("method", ["on_x", "on_connect"])
def test_an_annotation_that_cannot_be_used_is_an_error_when_it_is_mounted(method, annotation, text):
    def on_x(self, sid, a): ...

    def on_connect(self, sid, environ, a): ...

    function = {"on_x": on_x, "on_connect": on_connect}[method]
    function.__annotations__["a"] = annotation
    chat = type("Chat", (Namespace,), {method: function})
    with pytest.raises(HandlerError, match=rf"{method} \(.*test_payload.py:\d+\): .*{text}"):
        Harness(chat)


@pytest.mark.manual("a matter of values")
def test_what_is_told_of_faults_has_an_end():
    payload = Payload((list[dict[str, int]],), int)
    many = [{f"{'k' * 10_000}{number}": "x"} for number in range(1000)]
    faults = _faults(payload, [many, *["x"] * 1000])
    assert len(faults.faults) == 20
    assert len(str(faults)) < 1000
    assert all(len(fault["path"]) <= 200 for fault in faults.faults)


@pytest.mark.manual("a matter of values")
def test_what_a_client_sends_is_no_line_of_the_log(caplog):
    with Harness(Shapes()) as h:
        client = h.connect(auth={"x": 1})
        client.emit("a\nb", "x")
        client.emit("parts", {"a\nb": "x"})
    assert len(caplog.records) == 2
    assert not any("\n" in record.getMessage() for record in caplog.records)


def _faults(payload, args):
    try:
        payload.check(args)
    except Exception as error:
        return error
    raise AssertionError("it fits")


@pytest.mark.manual("a matter of values")
def test_a_fault_deep_down_is_found_without_going_there_step_by_step():
    value: Any = {"children": [5]}
    for _ in range(100):
        value = {"children": [value]}
    (fault,) = _faults(Payload((Tree,), Any), [value]).faults
    assert fault["path"].startswith("args[0].children[0].children[0].children[0]")
    assert fault["reason"] == "Expected object, got int"
