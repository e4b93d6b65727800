"""Serving on uvicorn."""

from __future__ import annotations

import os
import signal
import sys
from contextlib import closing

import pytest
import uvicorn

from sionamespace import ConfigurationError
from sionamespace.serving.door import FrontDoor
from sionamespace.serving.uvicorn import run_uvicorn
from sionamespace.uvicorn import WebSocketProtocol


@pytest.fixture
def configs(mocker):
    """With what uvicorn was set up."""
    made = []
    config = uvicorn.Config

    def keep(*args, **settings):
        made.append(settings)
        return config(*args, **settings)

    mocker.patch.object(uvicorn, "Config", side_effect=keep)
    return made


def run(stop=lambda: None, certificate=None, **settings):
    """Serve, and be told to stop as soon as it does."""

    async def stopping(scope, receive, send):
        assert scope["type"] == "lifespan"
        await receive()
        await send({"type": "lifespan.startup.complete"})
        os.kill(os.getpid(), number)
        await receive()
        await send({"type": "lifespan.shutdown.complete"})

    number = settings.pop("number", signal.SIGTERM)
    door = FrontDoor("127.0.0.1", 0)
    with closing(door.listener):
        run_uvicorn(stopping, certificate, door, stop, lambda: True, lifespan="on", **settings)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_after_the_clients_were_sent_away(number, capsys):
    steps, before = [], signal.getsignal(signal.SIGTERM)
    run(stop=lambda: steps.append("stopped"), number=number)
    assert steps == ["stopped"]
    assert signal.getsignal(signal.SIGTERM) is before
    said = capsys.readouterr().err.splitlines()
    assert said[0].startswith("serving on http://127.0.0.1:")
    assert said[-1] == "stopped"


@pytest.mark.parametrize("lifespan", ["auto", "on"])
def test_an_application_that_cannot_start_ends_it_with_an_exit_code(lifespan, capfd):
    async def failing(scope, receive, send):
        await receive()
        await send({"type": "lifespan.startup.failed", "message": "no database"})

    door = FrontDoor("127.0.0.1", 0)
    with closing(door.listener), pytest.raises(SystemExit) as end:
        run_uvicorn(failing, None, door, lambda: None, lambda: True, lifespan=lifespan)
    assert end.value.code == 3
    said = capfd.readouterr().err
    assert "no database" in said
    assert "serving on" not in said


def test_it_is_set_up_for_many_websockets_and_settings_go_before(configs):
    run(log_level="error", ws_max_size=5)
    (settings,) = configs
    assert settings["ws"] is WebSocketProtocol
    assert settings["ws_ping_interval"] is None
    assert (settings["ws_max_size"], settings["log_level"]) == (5, "error")


def test_a_certificate_makes_it_https(configs, certificate, capsys):
    run(certificate=certificate)
    assert configs[0]["ssl_certfile"] == certificate.certfile
    assert configs[0]["ssl_keyfile"] == certificate.keyfile
    assert "serving on https://" in capsys.readouterr().err


def test_without_uvicorn_it_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    with pytest.raises(ConfigurationError, match=r"pip install 'sionamespace\[asgi\]'"):
        run()
