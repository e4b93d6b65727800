"""An `Emitter` in processes of each kind reaches the clients of a real server, over Redis."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import pytest
from child import HERE, PATIENCE
from engines import RedisServer
from test_broker_faults import CountingServer, Listener


@pytest.fixture(scope="module", params=["", "+stream"], ids=["redis", "streams"])
def server(request: pytest.FixtureRequest) -> Iterator[tuple[str, CountingServer]]:
    engine = RedisServer(kind=request.param)
    try:
        engine.start()
        server = CountingServer(engine.url)
        yield engine.url, server
        server.stop()
    finally:
        engine.end()


@pytest.mark.parametrize("kind", ["script", "fork", "threads", "eventlet", "gevent", "asyncio"])
def test_what_it_says_comes(kind: str, server: tuple[str, CountingServer]) -> None:
    url, process = server
    process.wait_for("is connected to")
    listener = Listener(process.url)
    try:
        done = subprocess.run(
            [sys.executable, "emitting.py", kind, url.replace("127.0.0.1", "localhost")],
            cwd=HERE,
            capture_output=True,
            timeout=PATIENCE,
            encoding="utf-8",
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert "Traceback" not in done.stderr, done.stderr
        listener.wait_for(2, PATIENCE)
        assert listener.came == [1, 2]
    finally:
        listener.close()
    assert "has come" not in process.text(), "an emitter is no server"
