"""A log that clients cannot fill."""

from __future__ import annotations

import logging

__all__ = ["FirstTimes"]

_MOST = 100


class FirstTimes:
    """Logs the first time of each thing as a warning, and all the others for debugging only.

    Clients choose what is logged, so there is an end to the different things too.
    """

    def __init__(self, log: logging.Logger) -> None:
        self._log = log
        self._seen: set[str] = set()

    def warning(self, thing: str, text: str, *args: object) -> None:
        """Log a text about a thing."""
        first = thing not in self._seen and len(self._seen) < _MOST
        if first:
            self._seen.add(thing)
        self._log.log(logging.WARNING if first else logging.DEBUG, text, *args)
