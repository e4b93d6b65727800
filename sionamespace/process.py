"""The process that a server finds itself in: a worker of gunicorn or uvicorn, and how it ends."""

from __future__ import annotations

import atexit
import signal
import time
from collections.abc import Callable
from typing import Any

from sionamespace.errors import ConfigurationError
from sionamespace.ports import Runtime

__all__ = ["check_alone", "check_loaded_here", "mode_of_worker", "stop_with_process"]

_MODES = {"ThreadWorker": "threads", "GeventWorker": "gevent", "EventletWorker": "eventlet"}
"""The mode of a worker, by the name of its class or of one that it is made from."""

_PATIENCE = 5.0
"""How many seconds clients have to go when the process ends."""

_AGAIN = 0.2
"""After how many seconds a worker that ends sends away those who have come since."""

_LOOK_AGAIN = 0.5
"""How often it is seen whether a worker ends by itself, in seconds."""


def gunicorn_worker() -> Any:
    """The worker of gunicorn that this process is; None if it is none."""
    worker = _listener("SIGTERM")
    return worker if hasattr(worker, "cfg") and hasattr(worker, "handle_exit") else None


def _listener(name: str) -> Any:
    """Whose method hears a signal. No web server hands itself out anywhere, but each listens for
    signals before it loads the application."""
    number = getattr(signal, name, None)  # Windows has few
    return None if number is None else getattr(signal.getsignal(number), "__self__", None)


def _said_to_be_several() -> str | None:
    """What has started this process as one of several, and how many; None if nothing has."""
    found = (
        ("gunicorn", getattr(_listener("SIGTERM"), "cfg", None)),
        ("gunicorn", getattr(_listener("SIGUSR1"), "cfg", None)),  # with uvicorn's worker
        ("uvicorn", getattr(_listener("SIGTERM"), "config", None)),
    )
    for name, settings in found:
        workers = getattr(settings, "workers", None)
        if isinstance(workers, int) and workers > 1:  # others may mean anything by that name
            return f"{name} starts {workers} workers"
    return None


def mode_of_worker() -> str | None:
    """The mode that gunicorn's worker needs; None outside of gunicorn."""
    names = [cls.__name__ for cls in type(gunicorn_worker()).__mro__]
    return next((_MODES[name] for name in names if name in _MODES), None)


def check_alone(shares_clients: bool = False, polls: bool = True) -> None:
    """Check that a server can serve in this process, along with others if there are any.

    Args:
        shares_clients: whether it has a broker in common with them.
        polls: whether clients may poll.

    Raises:
        ConfigurationError: if gunicorn or uvicorn starts several workers that cannot serve
            together, or gunicorn one that cannot serve at all.
    """
    worker, several = gunicorn_worker(), _said_to_be_several()
    if several is not None:
        _check_together(several, shares_clients, polls)
    if worker is not None and type(worker).__name__ == "SyncWorker":
        raise ConfigurationError(
            "gunicorn's sync worker serves one request at a time, and a client that polls keeps it "
            "waiting; start gunicorn with -k gthread --threads 100, with -k gevent, or with "
            "-k sionamespace.gunicorn.EventletWorker"
        )


def check_loaded_here() -> None:
    """Called in another process than a server was made in.

    Raises:
        ConfigurationError: if that is a worker of gunicorn, for whose kind the server was not made.
    """
    if gunicorn_worker() is not None:
        raise ConfigurationError(
            "gunicorn loaded the application before it started its worker (--preload), so that the "
            "server could not suit it; start it without --preload, and without preload_app"
        )


def _check_together(found: str, shares_clients: bool, polls: bool) -> None:
    mend = (
        "start one (-w 1 or --workers 1, and WEB_CONCURRENCY=1 or unset), or have `sionamespace "
        "run --workers` start them"
    )
    if not shares_clients:
        raise ConfigurationError(
            f"{found}, each of which would know its own clients and rooms only: {mend}, or give "
            "them a broker, such as rooms='redis://127.0.0.1', and transports=['websocket']"
        )
    if polls:
        raise ConfigurationError(
            f"{found} behind one port, so that the requests of a client that polls reach any of "
            f"them: {mend}, or allow transports=['websocket'] only"
        )


def stop_with_process(
    runtime: Runtime, stop: Callable[[], None], stopped: Callable[[], bool]
) -> Callable[[], None]:
    """Have clients sent away before the process ends, where the web server does not see to it.

    Returns what takes that back.

    Args:
        stop: sends the clients away.
        stopped: whether they are gone and their handlers have ended.
    """

    def at_exit() -> None:
        end = time.monotonic() + _PATIENCE
        stop()
        while not stopped() and time.monotonic() < end:
            runtime.sleep(0.01)

    atexit.register(at_exit)
    worker = gunicorn_worker()
    if worker is not None:
        _stop_with_worker(worker, runtime, stop)
    return lambda: atexit.unregister(at_exit)


def _stop_with_worker(worker: Any, runtime: Runtime, stop: Callable[[], None]) -> None:
    """Send the clients away as soon as a worker is to end: it waits for their polls."""
    before: Any = signal.getsignal(signal.SIGTERM)

    def send_away() -> None:
        stop()
        runtime.later(_AGAIN, send_away)  # workers accept clients for up to a second more

    def handle(number: int, frame: Any) -> None:
        runtime.post(send_away)
        before(number, frame)

    def look() -> None:
        if worker.alive:
            runtime.later(_LOOK_AGAIN, look)
        else:
            send_away()

    handle.__self__ = before.__self__  # type: ignore[attr-defined]  # another server looks there
    signal.signal(signal.SIGTERM, handle)
    if worker.cfg.max_requests:  # past which it ends with no signal
        runtime.post(look)
