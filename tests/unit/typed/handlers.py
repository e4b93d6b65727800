"""What mypy --strict says of handlers, of what they take and answer; each wrong line says what."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, TypedDict

import msgspec
import pydantic

from sionamespace import NO_REPLY, Namespace, Refused, Reply, Router, Server, Sid, event
from sionamespace.blocks import RoomPolicy
from sionamespace.testing import Harness, mocks_of, stub

Amount = Annotated[int, msgspec.Meta(ge=1)]


class Token(TypedDict):
    user: str


class Order(msgspec.Struct):
    article: str
    amount: Amount = 1


class Place(pydantic.BaseModel):
    street: str


class Orders(Namespace):
    event_name = staticmethod(str.lower)

    def on_connect(self, sid: Sid, environ: Mapping[str, Any], auth: Token) -> None:
        if not auth["user"]:
            raise Refused("who are you?", {"code": 401})
        self.session(sid)["user"] = auth["usr"]  # error: TypedDict "Token" has no key "usr"

    def on_order(self, sid: Sid, order: Order, *notes: str) -> tuple[str, int]:
        self.enter_room(sid, order.articles)  # error: has no attribute "articles"
        return order.article, order.amount

    async def on_deliver(self, sid: Sid, place: Place | None = None) -> str:
        return place.street  # error: Item "None"

    @event("any name", concurrent=True)
    def later(self, sid: Sid) -> Reply:
        reply = Reply()
        self.spawn(reply.send, "done")
        return reply

    def on_invoice(self, sid: Sid, number: int) -> Reply[str]:
        reply: Reply[str] = Reply()
        self.print(number, reply)
        return Reply() if number else reply

    def print(self, number: int, reply: Reply[str]) -> None:
        reply.send(f"{number}.pdf")

    @event("*")
    def rest(self, sid: Sid, event: str, *args: Any) -> object:
        return NO_REPLY

    def opened(self) -> None:
        self.params["order"].close()
        self.params["order"] = 1  # error: Unsupported target for indexed assignment


@event(5)  # error: Argument 1 to "event"
def strange(self: Orders, sid: Sid) -> None: ...


class Policy(RoomPolicy):
    def may_join(self, sid: Sid, room: str) -> str:  # error: Return type "str"
        return "yes"


class Rule(Namespace):
    @staticmethod
    def event_name(name: str) -> str:
        return name.title()


class NoRule(Namespace):
    event_name = 5  # error: Incompatible types in assignment


router = Router({"/orders": Orders, "/orders/{order:int}": Orders})
Server(router, async_mode="asyncio")
Server({"/": Token})  # error: Dict entry 0 has incompatible type
Harness({"/": Orders}).connect(auth={"user": "ann"}).call("order", {"article": "tea"})

orders = stub(Orders)
orders.on_order("sid", Order("tea"), "quick", "please")
orders.on_order("sid", {"article": "tea"})  # error: Argument 2 to "on_order"
mocks_of(orders).emit.assert_not_called()
mocks_of(orders).emits.assert_not_called()  # error: has no attribute "emits"
