from __future__ import annotations

import logging
import os
import resource
import signal
import socket
import threading

import pytest

from sionamespace.errors import ConfigurationError
from sionamespace.run import run_eventlet
from sionamespace.runtime.eventlet import EventletDriver, eventlet
from sionamespace.runtime.pending import Pending
from sionamespace.runtime.threaded import ThreadedRuntime


@pytest.fixture(scope="module")
def runtime():
    return ThreadedRuntime(EventletDriver())


@pytest.fixture(autouse=True)
def _soon():
    """No test waits for ever."""
    with eventlet.Timeout(10):
        yield


@pytest.fixture(autouse=True)
def limits(mocker):
    """The limit on open files, which must not be changed for all tests."""
    mocker.patch("resource.getrlimit", return_value=(256, 4096))
    return mocker.patch("resource.setrlimit")


@pytest.fixture
def serve(mocker):
    """Puts a function in the place of eventlet's web server."""

    def put(function):
        return mocker.patch("eventlet.wsgi.server", side_effect=function)

    return put


def until_a_signal(listener, app, custom_pool, **settings):
    """As much of eventlet's server as matters for its end."""
    try:
        while True:
            eventlet.sleep(0.001)
    finally:
        custom_pool.waitall()


def run(runtime, stop=lambda: None, **settings):
    run_eventlet("the application", "127.0.0.1", 0, runtime, stop, lambda: True, **settings)


class TestServing:
    def test_the_application_is_served_on_a_socket_that_does_not_hold_packets_back(
        self, runtime, serve
    ):
        found = []

        def server(listener, app, **settings):
            nodelay = listener.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
            found.append((listener.getsockname()[0], app, bool(nodelay), settings["debug"]))

        serve(server)
        run(runtime)
        assert found == [("127.0.0.1", "the application", True, False)]

    def test_settings_are_passed_on(self, runtime, serve):
        server = serve(lambda *args, **settings: None)
        run(runtime, debug=True, keepalive=5)
        assert server.call_args.kwargs["debug"] is True
        assert server.call_args.kwargs["keepalive"] == 5

    def test_the_number_of_clients_is_not_limited_by_the_servers_own_limit(self, runtime, serve):
        server = serve(lambda *args, **settings: None)
        run(runtime)
        assert server.call_args.kwargs["custom_pool"].size >= 100_000

    def test_as_many_files_may_be_open_as_can_be(self, runtime, serve, limits):
        serve(lambda *args, **settings: None)
        run(runtime)
        limits.assert_called_once_with(resource.RLIMIT_NOFILE, (4096, 4096))

    def test_it_does_not_matter_if_that_is_forbidden(self, runtime, serve, limits):
        limits.side_effect = ValueError("not allowed")
        server = serve(lambda *args, **settings: None)
        run(runtime)
        server.assert_called_once()

    def test_an_address_that_is_taken_is_an_error_that_says_what_to_do(self, runtime):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            with pytest.raises(ConfigurationError, match=f"127.0.0.1:{port}.*another port"):
                run_eventlet(None, "127.0.0.1", port, runtime, lambda: None, lambda: True)

    def test_it_says_where_it_serves_in_the_log_or_else_at_the_terminal(
        self, runtime, serve, caplog, capsys
    ):
        serve(lambda *args, **settings: None)
        with caplog.at_level(logging.INFO, "sionamespace.run"):
            run(runtime)
        assert "serving on http://127.0.0.1:" in caplog.text
        assert capsys.readouterr().err == ""
        with caplog.at_level(logging.WARNING, "sionamespace.run"):
            run(runtime)
        assert "serving on http://127.0.0.1:" in capsys.readouterr().err

    def test_what_the_web_server_logs_is_for_debugging_unless_it_is_a_traceback(
        self, runtime, serve, caplog
    ):
        def server(*args, log, **settings):
            log.info("127.0.0.1 GET / 100%\n")
            log.info("Traceback (most recent call last): 100%\n")

        serve(server)
        with caplog.at_level(logging.DEBUG, "sionamespace.run"):
            run(runtime)
        found = {record.message: record.levelno for record in caplog.records}
        assert found["127.0.0.1 GET / 100%"] == logging.DEBUG
        assert found["Traceback (most recent call last): 100%"] == logging.ERROR


class TestStopping:
    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
    def test_a_signal_ends_it_after_the_clients_were_sent_away(self, runtime, serve, number):
        steps = []
        serve(until_a_signal)
        before = signal.getsignal(number)
        runtime.later(0.005, os.kill, os.getpid(), number)
        run(runtime, stop=lambda: steps.append("stopped"))
        assert steps == ["stopped"]
        assert signal.getsignal(number) is before

    def test_a_handler_that_runs_when_the_signal_comes_is_not_hit_by_it(self, runtime, serve):
        steps = []
        serve(until_a_signal)

        def handler():
            os.kill(os.getpid(), signal.SIGTERM)
            steps.append("handled")

        runtime.later(0.005, eventlet.spawn, handler)
        run(runtime)
        assert steps == ["handled"]

    def test_async_handlers_still_get_through_while_it_stops(self, runtime, serve):
        found = []

        async def say_goodbye():
            return "goodbye"

        def stop():
            found.append(runtime.spawn(say_goodbye).result(timeout=2))
            arrived = Pending(runtime)
            threading.Thread(target=runtime.post, args=(arrived.resolve, "posted")).start()
            found.append(arrived.result(timeout=2))

        serve(until_a_signal)
        runtime.later(0.005, os.kill, os.getpid(), signal.SIGTERM)
        run(runtime, stop=stop)
        assert found == ["goodbye", "posted"]

    def test_requests_that_do_not_end_are_not_waited_for_without_end(
        self, runtime, serve, monkeypatch
    ):
        monkeypatch.setattr("sionamespace.run.PATIENCE", 0.01)
        endless = []

        def server(listener, app, custom_pool, **settings):
            endless.append(custom_pool.spawn(eventlet.sleep, 60))
            until_a_signal(listener, app, custom_pool)

        serve(server)
        runtime.later(0.005, os.kill, os.getpid(), signal.SIGTERM)
        run(runtime)
        assert not endless[0].dead
        endless[0].kill()

    def test_it_can_be_run_on_a_thread_that_gets_no_signals(self, serve):
        failures, server = [], serve(lambda *args, **settings: None)

        def body():
            try:
                run(ThreadedRuntime(EventletDriver()))
            except BaseException as error:
                failures.append(error)

        thread = threading.Thread(target=body)
        thread.start()
        thread.join(5)
        assert failures == []
        server.assert_called_once()
