"""What clients answer: `Ack`, `BroadcastAck`, and the table of those not answered yet."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from functools import partial
from typing import Any, Generic, TypeVar

import attrs

from sionamespace.errors import (
    AckTimeout,
    AnswerInvalid,
    ClientGone,
    UsageError,
    WouldBlock,
)
from sionamespace.gathering import Gathering
from sionamespace.ports import Read, Runtime, Timer
from sionamespace.runtime.originals import new_lock
from sionamespace.runtime.pending import Pending
from sionamespace.types import Sid

__all__ = ["Ack", "AckTable", "Answers", "BroadcastAck"]

T = TypeVar("T")

_UNREAD: Any = object()


class Ack(Pending[T]):
    """A client's answer to a `Namespace.call`; see `Pending` for how to wait for it.

    The value is what the client answered with: one argument is itself, several are a tuple, none
    is None. If the event was declared with an answer, it is of that type. Instead of it there may
    be an error: `AckTimeout` when the client did not answer in time, `ClientGone` as soon as it
    left, `AnswerInvalid` when what it answered is not of the declared type.
    """

    def __init__(self, runtime: Runtime, event: str, sid: Sid) -> None:
        super().__init__(runtime)
        self.event = event
        self.sid = sid
        self._timer: Timer | None = None
        self._may_wait: Callable[[], bool] = _always
        self._read: Read | None = None
        self._answer: Any = _UNREAD

    def result(self, timeout: float | None = None) -> T:
        value = super().result(timeout)
        return value if self._read is None else self._declared(self._read, value)

    def exception(self, timeout: float | None = None) -> BaseException | None:
        error = super().exception(timeout)
        if error is None and self._read is not None:
            try:
                self.result()
            except AnswerInvalid as invalid:
                return invalid
        return error

    def read_with(self, read: Read | None) -> None:
        """Let the value be what ``read`` makes of the answer; None leaves it as it is.

        It is read by whoever asks for it, and not when it comes, as that may run checks of the
        application's own. Call this before anybody has the Ack.
        """
        self._read = read

    def expire_after(self, seconds: float | None) -> None:
        """Let it fail with `AckTimeout` after some seconds; None for never."""
        if seconds is not None and not self.done():
            self._timer = self._runtime.later(seconds, self._expire, seconds)
            self.listen(self._timer.cancel)

    def wait_only_if(self, allowed: Callable[[], bool]) -> None:
        """Let `result`, and ``await``, raise `WouldBlock` while ``allowed()`` is false."""
        self._may_wait = allowed

    def answer(self, arguments: list[Any]) -> None:
        """Take the arguments that the client answered with."""
        several = tuple(arguments) or None
        answer: Any = arguments[0] if len(arguments) == 1 else several
        self.resolve(answer)

    def __bool__(self) -> bool:
        raise _not_the_answer(self)

    def __await__(self) -> Generator[Any, None, T]:
        self._check_may_wait()
        return super().__await__()

    def _wait(self, timeout: float | None) -> None:
        self._check_may_wait()
        super()._wait(timeout)

    def _check_may_wait(self) -> None:
        if not self.done() and not self._may_wait():
            raise WouldBlock(
                f"client {self.sid!r} cannot answer {self.event!r} before on_connect has returned; "
                "call it from a later event, or from a function given to self.spawn()"
            )

    def _expire(self, seconds: float) -> None:
        self.fail(self._timed_out(seconds))

    def _declared(self, read: Read, value: Any) -> T:
        if self._answer is _UNREAD:
            self._answer = read(self.sid, value)
        answer: T = self._answer
        return answer

    def _timed_out(self, timeout: float | None) -> AckTimeout:
        return AckTimeout(f"client {self.sid!r} did not answer {self.event!r} within {timeout:g} s")


def _always() -> bool:
    return True


def _not_the_answer(ack: Pending[Any]) -> UsageError:
    return UsageError(f"{ack!r} is not the answer itself; get it with .result(), or await it")


@attrs.frozen
class Answers(Generic[T]):
    """What the clients of a `BroadcastAck` answered.

    ``values`` maps the sid of each client that answered to its answer, in the form that an `Ack`
    has; ``missing`` are those that did not answer in time, or left; ``silent`` are the servers, of
    several that share their clients, that did not say whom they asked. ``wrong`` has the error of
    each client whose answer is not of the type that the event was declared with: so one that lies,
    or is out of date, does not spoil what the others said.
    """

    values: Mapping[Sid, T]
    missing: frozenset[Sid]
    silent: frozenset[str] = frozenset()
    wrong: Mapping[Sid, AnswerInvalid] = attrs.field(factory=dict)

    @property
    def complete(self) -> bool:
        """Whether every client answered, as declared."""
        return not self.missing and not self.silent and not self.wrong


class BroadcastAck(Gathering[Answers[T]]):
    """The answers of several clients; see `Pending` for how to wait for them.

    It is done when every client has answered, has left, or its time is over. A client that did not
    answer is no error; it is in the ``missing`` of the `Answers`.
    """

    def __init__(self, runtime: Runtime, acks: Iterable[Ack[Any]] = ()) -> None:
        super().__init__(runtime)
        self._read: Read | None = None
        self._checked: Answers[T] | None = None
        self._acks: list[Ack[Any]] = []
        self.add(acks)

    def add(self, acks: Iterable[Ack[Any]], server: str | None = None) -> None:
        """These are asked too; they are all that a server asks."""
        added = list(acks)
        self._acks += added
        self.expect(*added)
        for ack in added:
            ack.listen(partial(self.drop, ack))
        if server is not None:
            self.drop(server)

    def result(self, timeout: float | None = None) -> Answers[T]:
        answers = super().result(timeout)
        if self._checked is None:
            self._checked = self._as_declared(answers)
        return self._checked

    def read_with(self, read: Read | None) -> None:
        """As `Ack.read_with`, for each of the answers."""
        self._read = read

    def cancel(self) -> bool:
        """Give up waiting for all of them; False if it was already done."""
        cancelled = super().cancel()
        for ack in self._acks:
            ack.cancel()
        return cancelled

    def __bool__(self) -> bool:
        raise _not_the_answer(self)

    def partial(self) -> Answers[T]:
        """The answers so far."""
        return self._as_declared(self._so_far())

    def _so_far(self) -> Answers[Any]:
        acks = list(self._acks)
        answered = {ack.sid: ack.result() for ack in acks if _is_answered(ack)}
        missing = frozenset(ack.sid for ack in acks if ack.sid not in answered)
        return Answers(answered, missing, self.silent)

    def _as_declared(self, answers: Answers[Any]) -> Answers[T]:
        if self._read is None:
            return answers
        values: dict[Sid, T] = {}
        wrong: dict[Sid, AnswerInvalid] = {}
        for sid, value in answers.values.items():
            try:
                values[sid] = self._read(sid, value)
            except AnswerInvalid as invalid:
                wrong[sid] = invalid
        return attrs.evolve(answers, values=values, wrong=wrong)

    def _joined(self, parts: Mapping[str, Any]) -> Answers[Any]:
        return self._so_far()


def _is_answered(ack: Ack[Any]) -> bool:
    return ack.done() and ack.exception() is None


class AckTable:
    """The calls to one client that it has not answered yet. From any thread."""

    __slots__ = ("_acks", "_closed", "_lock")

    def __init__(self) -> None:
        self._lock = new_lock()
        self._acks: dict[int, Ack[Any]] = {}
        self._closed = False

    def __len__(self) -> int:
        return len(self._acks)

    def __iter__(self) -> Iterator[Ack[Any]]:
        with self._lock:
            acks = list(self._acks.values())
        return iter(acks)

    def add(self, number: int, ack: Ack[Any]) -> None:
        """Remember a call until it is done; it fails at once if the client has left."""
        with self._lock:
            closed = self._closed
            if not closed:
                self._acks[number] = ack
        if closed:
            ack.fail(_gone(ack))
        else:
            ack.listen(lambda: self._forget(number))

    def answer(self, number: int, arguments: list[Any]) -> bool:
        """Give a call its answer; False if it is not waited for (any longer)."""
        ack = self._acks.get(number)
        if ack is None:
            return False
        ack.answer(arguments)
        return True

    def close(self) -> None:
        """Fail every call with `ClientGone`, at once, and every later one too."""
        with self._lock:
            self._closed = True
        for ack in self:
            ack.fail(_gone(ack))

    def _forget(self, number: int) -> None:
        with self._lock:
            self._acks.pop(number, None)


def _gone(ack: Ack[Any]) -> ClientGone:
    return ClientGone(f"client {ack.sid!r} left before it answered {ack.event!r}")
