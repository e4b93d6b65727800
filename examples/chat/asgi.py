"""The same chat on asyncio: ``python asgi.py``, or any ASGI server with ``asgi:app``."""

from __future__ import annotations

from a2wsgi import WSGIMiddleware

from app import make_server, pages, run

server = make_server(async_mode="asyncio")
app = server.asgi(WSGIMiddleware(pages))  # type: ignore[arg-type]

if __name__ == "__main__":
    run(server, app)
