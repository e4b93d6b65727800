"""Threads of which one leads, and another takes the lead when it has to wait."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from contextvars import Context
from typing import Any

from sionamespace.logs import NowAndThen
from sionamespace.runtime import originals
from sionamespace.runtime.faults import guarded, log_fault
from sionamespace.runtime.originals import get_ident, new_lock

__all__ = ["Crew", "start_thread"]

_log = logging.getLogger("sionamespace.runtime")

_MAX_IDLE = 32
"""How many threads are kept for later."""

_PATIENCE = 0.002
"""How many seconds the others wait for a leader that waits for something unknown to us."""

_CAUTION = 100
"""How many jobs hand over the lead before they begin, after one that kept the others waiting."""

_PAUSE = 0.1
"""After how many seconds it is looked again for events, when that has failed."""

_ROUNDS = 25
"""For how many times its patience the overseer looks at a crew that does nothing."""


class _Member:
    """A thread of the crew."""

    __slots__ = ("gate", "ident", "steps")

    def __init__(self) -> None:
        self.ident = 0
        self.steps = 0
        """Odd while it runs a job."""
        self.gate = new_lock()
        self.gate.acquire()


class Crew:
    """Runs jobs, and between them what waits for events, on as few threads as can be.

    One thread leads: it looks for events and runs the jobs that they start, one after another,
    as a green hub would; handing each job to another thread costs ten times as much. When a job is
    about to wait, another thread takes the lead: at once if it says so (`about_to_wait`), and
    otherwise after two milliseconds. Jobs after such a one hand over the lead before they begin.

    Args:
        look: looks for events, waits for them if there is nothing to run (its argument), and
            starts jobs for them.
        wake: makes ``look`` return, from any thread.
    """

    def __init__(self, look: Callable[[bool], object], wake: Callable[[], object]) -> None:
        self._look = look
        self._wake = wake
        self._lock = new_lock()
        self._ready: deque[tuple[Callable[..., object], tuple[Any, ...]]] = deque()
        self._idle: list[_Member] = []
        self._leader: _Member | None = None
        self._caution = 0
        self._eyes = new_lock()
        self._overseer = new_lock()
        self._overseer.acquire()
        self._overseen = False
        self._has_overseer = False
        self._complaints = NowAndThen()

    @property
    def ready(self) -> bool:
        """Whether there is something to run."""
        return bool(self._ready)

    @property
    def has_threads(self) -> bool:
        """Whether somebody leads."""
        return self._leader is not None

    def start(self, function: Callable[..., object], *args: Any) -> None:
        """Run a job soon. From any thread.

        Raises:
            RuntimeError: if nobody leads and no thread can be started; somebody else may `rouse`.
        """
        self._ready.append((function, args))
        self.rouse()

    def rouse(self) -> None:
        """See to it that somebody looks after what there is to do; as `start`."""
        if self._leader is not None:
            self._wake()
        elif not self._pass_on(None):
            raise RuntimeError("no thread can be started to serve the clients")

    def about_to_wait(self) -> None:
        """Called by a thread that is about to wait; if it leads, another one will.

        Raises:
            OSError: if no other one can. All would wait with it, and maybe for ever, as what it
                waits for may be theirs to bring about.
        """
        leader = self._leader
        if leader is not None and leader.ident == get_ident() and not self._pass_on(leader):
            raise OSError("no thread can be started that serves the others while this one waits")

    def _pass_on(self, leader: _Member | None) -> bool:
        """Let another thread lead, if it is still this one that does; whether it does no more."""
        with self._lock:
            if self._leader is not leader:
                return True
            successor = self._idle.pop() if self._idle else None
            if successor is not None:
                self._leader = successor
        if successor is None:
            successor = self._enlist(leader)
        if successor is not None:
            successor.gate.release()
        return self._leader is not leader

    def _enlist(self, leader: _Member | None) -> _Member | None:
        """One more, who leads if it is still this one that does, and rests otherwise."""
        member = _Member()
        if not self._can_start(self._serve, member):
            return None  # and the leader has led all the while
        with self._lock:
            if self._leader is leader:
                self._leader = member
        return member

    def _can_start(self, function: Callable[..., object], *args: Any) -> bool:
        """Start a thread, if there can be one more."""
        try:
            start_thread(function, *args)
        except RuntimeError as error:
            if self._complaints.is_time("threads"):
                guarded(
                    "a warning",
                    _log.warning,
                    "%s: what would wait fails, clients that read slowly are closed, and all wait "
                    "for a handler that blocks in another way; allow more threads (ulimit -u, or "
                    "the limit of the container)",
                    error,
                )
            return False
        return True

    def _serve(self, me: _Member) -> None:
        me.ident = get_ident()
        while True:
            me.gate.acquire()
            while self._leader is me:
                self._run_ready(me)
                if self._leader is me:
                    self._look_safely()
            with self._lock:
                if len(self._idle) >= _MAX_IDLE:
                    return
                self._idle.append(me)

    def _look_safely(self) -> None:
        # One at a time: who is deposed between its last job and this looks all the same, and would
        # be woken in place of the new leader.
        with self._eyes:
            try:
                self._look(not self._ready)
            except Exception:
                log_fault("looking for events")
                originals.sleep(_PAUSE)

    def _run_ready(self, me: _Member) -> None:
        """Run what is ready by now; what that starts comes after a look at what else there is."""
        for _ in range(len(self._ready)):
            try:
                function, args = self._ready.popleft()
            except IndexError:
                return
            if self._caution > 0:
                self._caution -= 1
                self._pass_on(me)
            me.steps += 1
            self._have_overseen()  # who rests now has seen the step, or is not at rest yet
            _run(function, args)
            me.steps += 1
            if self._leader is not me:
                return

    def _have_overseen(self) -> None:
        if self._overseen:
            return
        if not self._has_overseer:
            self._has_overseer = self._can_start(self._oversee)
        if self._has_overseer:
            self._overseen = True
            with suppress(RuntimeError):  # somebody else has
                self._overseer.release()

    def _oversee(self) -> None:
        """Depose a leader that runs one job for too long; rest while nothing is run."""
        while True:
            self._overseer.acquire()
            rounds = 0
            while rounds < _ROUNDS:
                leader = self._leader
                seen = leader.steps if leader is not None else 0
                originals.sleep(_PATIENCE)
                if leader is None or self._leader is not leader or leader.steps != seen:
                    rounds = 0
                elif seen % 2:
                    self._caution = _CAUTION
                    self._pass_on(leader)
                    rounds = 0
                else:
                    rounds += 1
            self._overseen = False
            leader = self._leader
            if leader is not None and leader.steps % 2:  # it began between the last look and this
                self._have_overseen()


def _run(function: Callable[..., object], args: tuple[Any, ...]) -> None:
    try:
        Context().run(function, *args)  # variables must not pass from job to job
    except BaseException:  # the thread must go on, whatever a handler raised
        log_fault("a started call")


def start_thread(function: Callable[..., object], *args: Any) -> threading.Thread:
    """A thread that runs a function, and does not keep the process alive."""
    thread = threading.Thread(target=function, args=args, daemon=True, name="sionamespace")
    thread.start()
    return thread
