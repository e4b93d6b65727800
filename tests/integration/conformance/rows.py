"""The table: all exchanges that are played against both servers."""

from __future__ import annotations

import rows_engine
import rows_http
import rows_socketio

ROWS = [*rows_http.ROWS, *rows_engine.ROWS, *rows_socketio.ROWS]
