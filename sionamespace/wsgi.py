"""The WSGI middleware: Socket.IO at its path, static files, and the application behind."""

from __future__ import annotations

import mimetypes
from collections.abc import Callable, Iterable, Mapping
from email.utils import formatdate
from pathlib import Path as FilePath
from typing import Any, TypeAlias

from sionamespace.errors import ConfigurationError
from sionamespace.handlers.signature import takes

__all__ = ["WSGIMiddleware"]

StartResponse: TypeAlias = Callable[..., Any]
WSGIApplication: TypeAlias = Callable[[dict[str, Any], StartResponse], Iterable[bytes]]

_CHUNK = 65536


class WSGIMiddleware:
    """A WSGI application that answers Socket.IO's requests and passes the others on.

    Args:
        engine: answers the requests below ``path``.
        app: answers the rest; without one, that is 404.
        path: where Socket.IO's clients connect to; their default is ``socket.io``.
        static: files to serve, by URL: ``{"/": "index.html", "/static/": "static/"}``. A URL that
            ends with a slash and names a folder serves what is in it.

    Raises:
        ConfigurationError: for an application that is none of WSGI, or files that are no mapping.
    """

    def __init__(
        self,
        engine: WSGIApplication,
        app: WSGIApplication | None = None,
        path: str = "socket.io",
        static: Mapping[str, str] | None = None,
    ) -> None:
        if app is not None and not takes(app, 2):
            raise ConfigurationError(
                f"{app!r:.80} is no WSGI application, such as Flask's; one of ASGI, such as "
                "FastAPI's, stands beside Server(..., async_mode='asyncio')"
            )
        self._engine = engine
        self._app = app
        self._path = "/" + path.strip("/") + "/"
        if static is not None and not isinstance(static, Mapping):
            raise ConfigurationError(
                f"static={static!r:.80}: expected which files are where, such as "
                "{'/': 'index.html', '/static/': 'static/'}"
            )
        self._static = {url: FilePath(file).resolve() for url, file in (static or {}).items()}

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        url = environ.get("PATH_INFO", "")
        if url.startswith(self._path) or url == self._path[:-1]:
            return self._engine(environ, start_response)
        if self._static and environ["REQUEST_METHOD"] in ("GET", "HEAD"):
            file = self._find(url)
            if file is not None:
                return _send_file(file, environ, start_response)
        if self._app is not None:
            return self._app(environ, start_response)
        body = b"Not Found"
        start_response(
            "404 Not Found", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))]
        )
        return [body]

    def _find(self, url: str) -> FilePath | None:
        """The file of a URL; never one outside the folders that are served."""
        exact = self._static.get(url)
        if exact is not None and exact.is_file():
            return exact
        for prefix, folder in self._static.items():
            if prefix.endswith("/") and url.startswith(prefix) and folder.is_dir():
                file = _inside(folder, url[len(prefix) :])
                if file is not None:
                    return file
        return None


def _inside(folder: FilePath, name: str) -> FilePath | None:
    try:
        name = name.encode("latin-1").decode()  # as WSGI hands on the bytes of a URL (PEP 3333)
        file = (folder / (name or "index.html").lstrip("/")).resolve()
        return file if file.is_relative_to(folder) and file.is_file() else None
    except (OSError, ValueError):  # no file can have such a name
        return None


def _send_file(
    file: FilePath, environ: Mapping[str, Any], start_response: StartResponse
) -> Iterable[bytes]:
    info = file.stat()
    modified = formatdate(info.st_mtime, usegmt=True)
    if environ.get("HTTP_IF_MODIFIED_SINCE") == modified:
        start_response("304 Not Modified", [("Last-Modified", modified)])
        return []
    kind = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
    headers = [
        ("Content-Type", f"{kind}; charset=utf-8" if kind.startswith("text/") else kind),
        ("Content-Length", str(info.st_size)),
        ("Last-Modified", modified),
        ("Cache-Control", "no-cache"),
    ]
    start_response("200 OK", headers)
    return [] if environ["REQUEST_METHOD"] == "HEAD" else _chunks(file)


def _chunks(file: FilePath) -> Iterable[bytes]:
    with file.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            yield chunk
