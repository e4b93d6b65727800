"""`Process`: a process that was forked from this one."""

from __future__ import annotations

import atexit
import os
import signal
import sys
import traceback
from collections.abc import Callable
from contextlib import suppress

from sionamespace.errors import SioError
from sionamespace.runtime.originals import original, renew

__all__ = ["Process"]


class Process:
    """A process that calls a function and ends.

    It begins with all that this one has, but what ``atexit`` has for this one is not its own, nor
    is anything that stands after the call which forked it.
    """

    def __init__(self, function: Callable[[], object]) -> None:
        _flush()
        self.pid: int = original("os", "fork")()
        if self.pid == 0:
            code = 1
            try:
                code = _run(function)
            finally:  # whatever fails, such as to say what has: this is not the master
                os._exit(code)
        self.end: str | None = None
        """How it has ended; None if it has not."""

    def look(self) -> bool:
        """Whether it has ended."""
        if self.end is None:
            pid, status = original("os", "waitpid")(self.pid, os.WNOHANG)
            if pid:
                code = os.waitstatus_to_exitcode(status)
                how = f"ended with code {code}" if code >= 0 else f"died of {_name(-code)}"
                self.end = f"(process {self.pid}) {how}"
        return self.end is not None

    def signal(self, number: int) -> None:
        """Send it a signal, if it has not ended."""
        if self.end is None:
            os.kill(self.pid, number)


def _name(number: int) -> str:
    with suppress(ValueError):
        return signal.Signals(number).name
    return f"signal {number}"


def _run(function: Callable[[], object]) -> int:
    """The exit code of a process that calls a function."""
    atexit._clear()
    renew()
    try:
        function()
        return 0
    except SystemExit as end:
        if end.code is None or isinstance(end.code, int):
            return end.code or 0
        print(end.code, file=sys.stderr)
    except SioError as error:
        print(f"sionamespace: {error}", file=sys.stderr)
    except BaseException:
        traceback.print_exc()
    finally:
        atexit._run_exitfuncs()
        _flush()
    return 1


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        with suppress(Exception):  # there may be none, or nobody reads it
            stream.flush()
