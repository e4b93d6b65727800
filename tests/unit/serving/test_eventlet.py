"""What is special about the web server of eventlet."""

from __future__ import annotations

import logging

from sionamespace.runtime.eventlet import eventlet
from sionamespace.serving.eventlet import EventletServer
from sionamespace.serving.listening import listen
from tests.unit.serving.conftest import hello


class Web:
    """Eventlet's web server, as it was called."""

    def __init__(self, mocker):
        self.settings = {}
        mocker.patch("eventlet.wsgi.server", side_effect=self.serve)

    def serve(self, listener, app, **settings):
        self.settings = settings
        eventlet.sleep(60)


def served(mocker, **settings):
    """With which settings eventlet's own server is called."""
    web, server = Web(mocker), EventletServer(hello, None, **settings)
    with listen("127.0.0.1", 0) as listener:
        server.start(listener)
        server.close()
    return web.settings


def test_the_number_of_clients_is_not_limited_by_the_servers_own_limit(mocker):
    assert served(mocker)["custom_pool"].size >= 100_000


def test_settings_are_passed_on(mocker):
    assert served(mocker)["debug"] is False
    settings = served(mocker, debug=True, keepalive=5)
    assert (settings["debug"], settings["keepalive"]) == (True, 5)


def test_what_it_logs_is_for_debugging_unless_it_is_a_traceback(mocker, caplog):
    log = served(mocker)["log"]
    with caplog.at_level(logging.DEBUG, "sionamespace.run"):
        log.info("127.0.0.1 GET / 100%\n")
        log.info("Traceback (most recent call last): 100%\n")
    found = {record.message: record.levelno for record in caplog.records}
    assert found["127.0.0.1 GET / 100%"] == logging.DEBUG
    assert found["Traceback (most recent call last): 100%"] == logging.ERROR
