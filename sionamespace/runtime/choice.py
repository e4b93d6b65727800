"""Which concurrency library a server runs on, and whether the process is fit for it."""

from __future__ import annotations

import importlib.util
import logging
import sys
from collections.abc import Callable, Mapping

from sionamespace.errors import ConfigurationError
from sionamespace.runtime.threaded import Driver

__all__ = ["choose", "make_driver"]

_log = logging.getLogger("sionamespace")

_GREEN = ("eventlet", "gevent")
_PATCHABLE = ("socket", "select", "thread", "time")
"""What both libraries patch, and an application needs all or none of."""
_ALIASES = {"threading": "threads"}
"""As python-socketio calls it."""


def choose(asked: str | None, served_by: str | None = None) -> tuple[str, str]:
    """The mode to run in, and why.

    Args:
        asked: the mode that the application asks for; None if it leaves it open.
        served_by: the mode of the web server, if that is known.

    Raises:
        ConfigurationError: for a mode that there is not, that is not installed, or that does not
            go with the monkey patching of the process.
    """
    mode, why = (_ALIASES.get(asked, asked), "as asked for") if asked else _find(served_by)
    if mode not in _DRIVERS:
        raise ConfigurationError(
            f"async_mode={mode!r} is not known; there are: {', '.join(_DRIVERS)}, asyncio"
        )
    if mode in _GREEN and importlib.util.find_spec(mode) is None:
        raise ConfigurationError(
            f"async_mode={mode!r} needs {mode}: pip install 'sionamespace[{mode}]'"
        )
    _check_patching(mode)
    return mode, why


def make_driver(mode: str) -> Driver:
    """The driver of a mode."""
    return _DRIVERS[mode]()


def _find(served_by: str | None) -> tuple[str, str]:
    for library in _GREEN:
        if "socket" in _patched(library):
            return library, f"{library} has monkey-patched this process"
    if served_by is not None:
        return served_by, "the web server runs so"
    for library in _GREEN:
        if importlib.util.find_spec(library) is not None:
            return library, "it is installed; choose by async_mode="
    return "threads", "neither eventlet nor gevent is installed"


def _patched(library: str) -> set[str]:
    """Which modules a library has patched; it is not imported for the question."""
    if library == "eventlet" and "eventlet.patcher" in sys.modules:
        from eventlet import patcher

        return {name for name in _PATCHABLE if patcher.is_monkey_patched(name)}
    if library == "gevent" and "gevent.monkey" in sys.modules:
        from gevent import monkey

        return {name for name in _PATCHABLE if monkey.is_module_patched(_module(name))}
    return set()


def _module(name: str) -> str:
    return "_thread" if name == "thread" else name


def _check_patching(mode: str) -> None:
    for library in _GREEN:
        patched = _patched(library)
        if patched and library != mode:
            raise ConfigurationError(
                f"async_mode={mode!r}, but {library} has monkey-patched this process "
                f"({', '.join(sorted(patched))}); use async_mode={library!r}, or patch nothing"
            )
        missing = set(_PATCHABLE) - patched
        if patched and missing:
            _log.warning(
                "%s has monkey-patched %s, but not %s: what waits there stops every client; call "
                "%s with no arguments, before anything else is imported",
                library,
                ", ".join(sorted(patched)),
                ", ".join(sorted(missing)),
                "eventlet.monkey_patch()" if library == "eventlet" else "monkey.patch_all()",
            )


def _eventlet() -> Driver:
    from sionamespace.runtime.eventlet import EventletDriver

    return EventletDriver()


def _gevent() -> Driver:
    from sionamespace.runtime.gevent import GeventDriver

    return GeventDriver()


def _threads() -> Driver:
    from sionamespace.runtime.threads import ThreadsDriver

    return ThreadsDriver()


_DRIVERS: Mapping[str, Callable[[], Driver]] = {
    "eventlet": _eventlet,
    "gevent": _gevent,
    "threads": _threads,
}
