"""Where a server listens, and what it says."""

from __future__ import annotations

import logging
import socket

import pytest

from sionamespace.errors import ConfigurationError
from sionamespace.serving.listening import announce, listen, say_where


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_a_client_can_connect_to_what_listens(host):
    with listen(host, 0) as listener:
        address = listener.getsockname()[:2]
        socket.create_connection(address, 5).close()
        assert address[0] == host


def test_an_address_that_is_taken_is_an_error_that_says_what_to_do():
    with listen("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConfigurationError, match=f"127.0.0.1:{port}: Address.*another port"):
            listen("127.0.0.1", port)


def test_an_address_that_cannot_be_is_an_error_too():
    with pytest.raises(ConfigurationError, match=r"cannot listen on 192\.0\.2\.1:0: "):
        listen("192.0.2.1", 0)
    with pytest.raises(ConfigurationError, match="port 70000: ports go from 0"):
        listen("127.0.0.1", 70000)


@pytest.mark.parametrize("host", ["192.0.2.1", "no such host"])
def test_a_host_that_is_not_this_machine_is_not_mended_by_another_port(host):
    with pytest.raises(ConfigurationError, match="expected a host of this machine, such as 127"):
        listen(host, 0)


def test_a_port_of_the_environment_is_a_text():
    with pytest.raises(ConfigurationError, match=r"port '5000': expected an int, so int\(\.\.\.\)"):
        listen("127.0.0.1", "5000")


def test_it_is_said_in_the_log_or_else_at_the_terminal(caplog, capsys):
    with listen("::1", 0) as listener:
        port = listener.getsockname()[1]
        with caplog.at_level(logging.INFO, "sionamespace.run"):
            say_where(listener, "https", "gevent")
        said = f"serving on https://[::1]:{port} with gevent; Ctrl-C stops"
        assert said in caplog.text
        assert capsys.readouterr().err == ""
        with caplog.at_level(logging.WARNING, "sionamespace.run"):
            announce("100%% of %s", "it")
        assert capsys.readouterr().err == "100% of it\n"


def test_a_log_that_nobody_reads_is_none(capsys, monkeypatch):
    log = logging.getLogger("sionamespace.run")
    monkeypatch.setattr(log, "propagate", False)
    monkeypatch.setattr(log, "level", logging.INFO)
    log.manager._clear_cache()
    announce("it serves")
    log.manager._clear_cache()
    assert capsys.readouterr().err == "it serves\n"
