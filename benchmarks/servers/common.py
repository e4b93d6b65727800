"""What the server programs share: their command line, and what they tell about themselves."""

from __future__ import annotations

import argparse
import json
import platform
import resource
from importlib import metadata

__all__ = ["UVICORN", "announce", "arguments", "raise_file_limit", "version"]

UVICORN = {
    "log_level": "warning",
    "ws": "websockets-sansio",
    "ws_per_message_deflate": False,
    "ws_ping_interval": None,
    "backlog": 2048,
}
"""What sionamespace sets by itself for uvicorn; the loop is uvloop for all where it is there."""


def arguments(*modes: str, flags: tuple[str, ...] = ()) -> argparse.Namespace:
    """What the benchmark asks for: the port, the mode (by default the first), and the URL of the
    Redis by which to share clients with other servers, or None."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--mode", choices=modes, default=modes[0])
    parser.add_argument("--redis")
    for flag in flags:
        parser.add_argument(flag, action="store_true")
    return parser.parse_args()


def announce(**versions: str) -> None:
    """Print the versions of what serves; the benchmark reads this line."""
    print(json.dumps({"Python": platform.python_version(), **versions}), flush=True)


def version(distribution: str) -> str:
    """The installed version of a distribution, or that there is none."""
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return "not installed"


def raise_file_limit() -> None:
    """Allow as many clients as this process may allow itself."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
