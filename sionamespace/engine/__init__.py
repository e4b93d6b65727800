"""Engine.IO: client connections over long polling and WebSocket.

The only place that knows python-engineio and WebSocket. `Engine` serves it alone.
"""

from sionamespace.engine.bare import Connection, Engine

__all__ = ["Connection", "Engine"]
