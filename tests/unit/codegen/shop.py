"""A server with all that a contract may have to write down."""

from __future__ import annotations

import dataclasses
import datetime
import decimal
import enum
import uuid
from typing import Annotated, Any, Literal, NamedTuple, Protocol

import attrs
import msgspec
import pydantic
from typing_extensions import NotRequired, TypedDict

from sionamespace import Namespace, Refused, Reply, Server, Sid, event
from sionamespace.blocks import Presence


class Color(enum.Enum):
    """A color."""

    RED = "red"
    BLUE = "blue"


@attrs.frozen
class Line:
    article: str
    amount: Annotated[int, msgspec.Meta(ge=1, description="how many")] = 1


@attrs.frozen
class Order:
    """What somebody orders."""

    lines: list[Line]
    color: Color | None = None
    due: datetime.datetime | None = None
    id: uuid.UUID = attrs.field(factory=uuid.uuid4)
    price: decimal.Decimal = decimal.Decimal(1)


@dataclasses.dataclass
class Picture:
    name: str
    data: bytes
    size: tuple[int, int] = (0, 0)


class Spot(NamedTuple):
    x: int
    name: str


class Profile(TypedDict):
    name: str
    mail: NotRequired[str]


class Token(TypedDict):
    user: str


class Point(msgspec.Struct, tag=True):
    x: float


class Circle(msgspec.Struct, tag=True):
    center: Point
    radius: float = 1


class Sparse(msgspec.Struct, omit_defaults=True):
    text: str = ""


class Settings(pydantic.BaseModel):
    """What a user has set."""

    dark_mode: bool = pydantic.Field(default=False, alias="darkMode")
    tags: list[str] = []


class ShopPage(Protocol):
    """What a page is told."""

    def order(self, order: Order) -> None:
        """There is a new order.

        Show it */ at once.
        """

    def joined(self, name: str, room: str = "lobby") -> None: ...

    def picture(self, picture: Picture) -> None: ...

    def shapes(self, *shapes: Point | Circle) -> None: ...

    @event("any name")
    def named(self, data: dict[str, list[int]], sparse: Sparse) -> None: ...

    def confirm(self, question: str) -> bool: ...

    def rate(self, article: str, most: int = 5) -> int: ...

    def place(self) -> tuple[int, str]: ...

    def receipt(self, function: str) -> tuple[()]: ...

    def settings(self) -> Settings | None: ...

    def spot(self) -> Spot: ...

    def several(self) -> tuple[int, ...]: ...

    def whatever(self) -> Any: ...

    def open(self, x): ...  # type: ignore[no-untyped-def]


class Shop(Namespace, outgoing=ShopPage):
    """People order things."""

    def on_connect(self, sid: Sid, environ: Any, auth: Token) -> None: ...

    def on_order(self, sid: Sid, order: Order, note: str = "") -> Order:
        """Order something."""
        if note == "free":
            raise Refused("nothing is free")
        return order

    def on_typing(self, sid: Sid) -> None: ...

    def on_upload(self, sid: Sid, picture: Picture) -> str | None:
        return picture.name or None

    def on_pair(self, sid: Sid) -> tuple[int, str]:
        return 1, "b"

    def on_spot(self, sid: Sid) -> Spot:
        return Spot(1, "b")

    def on_pair_or_nothing(self, sid: Sid) -> tuple[int, str] | None:
        return None

    def on_numbers(self, sid: Sid, *numbers: int) -> int:
        return sum(numbers)

    def on_all(self, sid: Sid) -> tuple[int, ...]:
        return 1, 2, 3

    def on_anything(self, sid, data):  # type: ignore[no-untyped-def]
        return data

    def on_later(self, sid: Sid) -> Reply | str:
        return "now"

    def on_invoice(self, sid: Sid) -> Reply[str | None]:
        reply: Reply[str | None] = Reply()
        reply.send("invoice.pdf")
        return reply

    async def on_save(self, sid: Sid, settings: Settings, profile: Profile) -> Settings:
        return settings

    def on_pick(self, sid: Sid, choice: Literal["a", "b"], n: Literal[1, 2] | None = None) -> Any:
        return choice, n

    @event("*")
    def rest(self, sid: Sid, event: str, *args: Any) -> None: ...


class Room(Presence):
    def on_say(self, sid: Sid, text: Annotated[str, msgspec.Meta(max_length=100)]) -> bool:
        return True


class Empty(Namespace): ...


ROUTES = {
    "/shop": Shop,
    "/other": Shop,
    "/rooms/{room_id}": Room,
    "/jobs/{job_id:int}/log": Room,
    "/": Empty,
}

server = Server(ROUTES)
