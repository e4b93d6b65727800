"""What a handler's return value means for the client's ack."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, Generic, TypeAlias

from sionamespace.errors import Refused, UsageError
from sionamespace.runtime.originals import new_lock

if TYPE_CHECKING:  # a Reply of nothing in particular is one of Any
    from typing_extensions import TypeVar

    T = TypeVar("T", default=Any)
else:
    from typing import TypeVar

    T = TypeVar("T")

__all__ = ["NO_REPLY", "Answer", "Reply", "answer_of", "refusal"]


class _NoReply:
    def __repr__(self) -> str:
        return "NO_REPLY"


NO_REPLY: Final = _NoReply()
"""Returned by a handler: the client's ack is never answered."""

Respond: TypeAlias = Callable[[tuple[Any, ...]], None]


class Reply(Generic[T]):
    """Returned by a handler: the answer comes later, from whoever calls `send`.

        def on_export(self, sid, what):
            reply = Reply()
            self.spawn(self.export, what, reply)
            return reply                            # export() ends with reply.send(url)

    ``-> Reply[str]`` tells the front end what will be sent, as ``-> str`` tells what is returned.
    Its methods may be called from any thread, before the handler returns or long after it.
    """

    def __init__(self) -> None:
        self._lock = new_lock()
        self._values: tuple[Any, ...] | None = None
        self._respond: Respond | None = None

    def send(self, *values: Any) -> None:
        """Answer the client; its callback is called with these values.

        Raises:
            UsageError: if it was answered already, or for a value that cannot be sent.
        """
        with self._lock:
            if self._values is not None:
                raise UsageError("this Reply was sent already; a client's ack is answered once")
            self._values = values
            respond = self._respond
        if respond is not None:
            respond(values)

    def refuse(self, message: str, data: Any = None) -> None:
        """Answer the client as `Refused` raised in the handler would."""
        self.send(refusal(Refused(message, data)))

    def deliver_with(self, respond: Respond) -> None:
        """Set how the answer gets to the client; what was sent already is delivered now."""
        with self._lock:
            self._respond = respond
            values = self._values
        if values is not None:
            respond(values)


Answer: TypeAlias = "tuple[Any, ...] | Reply[Any] | _NoReply"


def answer_of(value: Any) -> Answer:
    """The arguments for the client's callback that a return value means.

    None is no argument, a tuple several, anything else one.
    """
    if value is None:
        return ()
    if isinstance(value, (tuple, Reply, _NoReply)):
        return value
    return (value,)


def refusal(error: Refused) -> dict[str, Any]:
    """What an ack gets when a handler refuses."""
    return {"error": {"message": error.message, "data": error.data}}


def failure(message: str, data: Any = None) -> dict[str, Any]:
    """What an ack gets when a handler was not called, or failed."""
    return {"error": {"message": message, "data": data} if data else {"message": message}}
