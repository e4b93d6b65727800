"""What the server programs share: their command line, and what they tell about themselves."""

from __future__ import annotations

import argparse
import json
import platform
from importlib import metadata

__all__ = ["announce", "arguments", "version"]


def arguments(*modes: str) -> argparse.Namespace:
    """The port and the mode that the benchmark asks for; the first mode is the default."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--mode", choices=modes, default=modes[0])
    return parser.parse_args()


def announce(**versions: str) -> None:
    """Print the versions of what serves; the benchmark reads this line."""
    print(json.dumps({"Python": platform.python_version(), **versions}), flush=True)


def version(distribution: str) -> str:
    """The installed version of a distribution; threads are Python's own."""
    if distribution == "threads":
        return platform.python_version()
    return metadata.version(distribution)
