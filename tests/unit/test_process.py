"""A server as it finds itself in a process, such as a worker of gunicorn."""

from __future__ import annotations

import atexit
import signal
import subprocess
import sys
import textwrap
from types import SimpleNamespace

import pytest

from sionamespace import ConfigurationError, Server
from sionamespace.process import check_alone, mode_of_worker, stop_with_process
from sionamespace.testing.runtime import ManualRuntime


class Worker:
    """A worker of gunicorn, as far as a server can see it: it listens for SIGTERM."""

    def __init__(self, workers=1, max_requests=0):
        self.cfg = SimpleNamespace(workers=workers, max_requests=max_requests)
        self.alive = True
        self.signals = []

    def handle_exit(self, number, frame):
        self.signals.append(number)


def kind(name, base=Worker):
    return type(name, (base,), {})


@pytest.fixture
def become():
    """Makes this process a worker of gunicorn."""
    before = signal.getsignal(signal.SIGTERM)

    def become(worker):
        signal.signal(signal.SIGTERM, worker.handle_exit)
        return worker

    yield become
    signal.signal(signal.SIGTERM, before)


class TestMode:
    @pytest.mark.parametrize(
        ("name", "mode"),
        [
            ("ThreadWorker", "threads"),
            ("GeventWorker", "gevent"),
            ("EventletWorker", "eventlet"),
            ("SyncWorker", None),
        ],
    )
    def test_the_mode_follows_the_worker_and_those_made_from_it(self, become, name, mode):
        worker = kind(name)
        become(worker())
        assert mode_of_worker() == mode
        become(kind("Ours", worker)())
        assert mode_of_worker() == mode

    def test_a_server_takes_it(self, become):
        become(kind("ThreadWorker")())
        assert Server({}).async_mode == "threads"

    def test_outside_of_gunicorn_there_is_none(self, become):
        assert mode_of_worker() is None
        become(SimpleNamespace(handle_exit=lambda number, frame: None))
        assert mode_of_worker() is None


class TestAlone:
    def test_one_worker_is_fine_and_no_gunicorn_too(self, become):
        check_alone()
        become(kind("ThreadWorker")())
        check_alone()

    def test_several_are_an_error_that_says_what_to_do(self, become):
        become(kind("GeventWorker")(workers=4))
        with pytest.raises(ConfigurationError, match=r"starts 4 workers.*-w 1.*WEB_CONCURRENCY=1"):
            check_alone()

    def test_several_with_a_broker_are_fine_if_no_client_polls(self, become):
        become(kind("GeventWorker")(workers=4))
        check_alone(shares_clients=True, polls=False)
        with pytest.raises(ConfigurationError, match=r"one port.*-w 1.*transports=\['websocket'\]"):
            check_alone(shares_clients=True)

    def test_a_server_knows_whether_it_has_one(self, become):
        become(kind("ThreadWorker")(workers=2))
        options = {"rooms": "memory://process", "transports": "websocket"}
        Server({}, **options).wsgi()
        with pytest.raises(ConfigurationError, match=r"rooms='redis://127\.0\.0\.1'"):
            Server({}, transports="websocket").wsgi()
        with pytest.raises(ConfigurationError, match="transports="):
            Server({}, rooms="memory://process").wsgi()

    @pytest.mark.parametrize(
        ("number", "name", "starter"),
        [
            (signal.SIGTERM, "config", "uvicorn"),
            (signal.SIGTERM, "cfg", "gunicorn"),
            (signal.SIGUSR1, "cfg", "gunicorn"),
        ],
    )
    def test_several_under_asgi_are_no_better(self, number, name, starter):
        class Listener:
            def hear(self, number, frame): ...

        listener, before = Listener(), signal.getsignal(number)
        setattr(listener, name, SimpleNamespace(workers=2))
        signal.signal(number, listener.hear)
        try:
            with pytest.raises(ConfigurationError, match=f"{starter} starts 2 workers, each of"):
                Server({}, async_mode="asyncio").asgi()
            options = {"rooms": "memory://process", "transports": "websocket"}
            Server({}, async_mode="asyncio", **options).asgi()
        finally:
            signal.signal(number, before)

    @pytest.mark.parametrize("workers", [None, ["a", "b"], "2"])
    def test_who_hears_a_signal_and_is_no_web_server_means_something_else(self, become, workers):
        class Pool:
            config = SimpleNamespace(workers=workers)

            def handle_exit(self, number, frame): ...

        become(Pool())
        check_alone()

    def test_the_sync_worker_is_an_error_that_names_others(self, become):
        become(kind("SyncWorker")())
        with pytest.raises(ConfigurationError, match=r"one request at a time.*-k gthread"):
            check_alone()


class TestLoading:
    def test_an_application_that_was_loaded_before_its_worker_is_refused_with_the_mend(
        self, become, mocker
    ):
        app = Server({}, async_mode="threads").wsgi()
        mocker.patch("os.getpid", return_value=-1)
        become(kind("ThreadWorker")())
        with pytest.raises(ConfigurationError, match="start it without --preload"):
            app({"PATH_INFO": "/socket.io/"}, None)

    def test_a_program_may_fork_and_then_serve(self, mocker):
        app = Server({}, async_mode="threads").wsgi()
        mocker.patch("os.getpid", return_value=-1)
        answers = []
        environ = {"PATH_INFO": "/socket.io/", "REQUEST_METHOD": "GET", "QUERY_STRING": ""}
        app(environ, lambda status, headers: answers.append(status))
        assert answers == ["400 Bad Request"]


class TestStopping:
    @pytest.fixture
    def ending(self, mocker):
        """What is to be called when the process ends."""
        functions = []
        mocker.patch.object(atexit, "register", side_effect=functions.append)
        mocker.patch.object(atexit, "unregister", side_effect=functions.remove)
        return functions

    def test_clients_are_sent_away_when_the_process_ends_and_waited_for(self, ending):
        steps = []

        def stopped():
            steps.append("look")
            return len(steps) == 4

        stop_with_process(ManualRuntime(), lambda: steps.append("stop"), stopped)
        (at_exit,) = ending
        at_exit()
        assert steps == ["stop", "look", "look", "look"]

    def test_they_are_not_waited_for_without_end(self, ending, monkeypatch):
        monkeypatch.setattr("sionamespace.process._PATIENCE", 0.02)
        stop_with_process(ManualRuntime(), lambda: None, lambda: False)
        ending[0]()

    def test_it_can_be_taken_back(self, ending):
        stop_with_process(ManualRuntime(), lambda: None, lambda: True)()
        assert ending == []

    def test_a_worker_sends_them_away_as_soon_as_it_is_told_to_end(self, become, ending):
        worker, runtime, steps = become(Worker()), ManualRuntime(), []
        stop_with_process(runtime, lambda: steps.append("stop"), lambda: True)
        signal.raise_signal(signal.SIGTERM)
        assert worker.signals == [signal.SIGTERM]
        assert steps == []  # it must not happen in the signal's handler
        runtime.settle()
        assert steps == ["stop"]
        runtime.advance(1)  # so that those who came in the meantime do not stay
        assert len(steps) > 2

    def test_a_worker_that_has_served_its_requests_sends_them_away_too(self, become, ending):
        worker, runtime, steps = become(Worker(max_requests=40)), ManualRuntime(), []
        stop_with_process(runtime, lambda: steps.append("stop"), lambda: True)
        runtime.advance(10)
        assert steps == []
        worker.alive = False  # it gets no signal
        runtime.advance(1)
        assert steps

    def test_a_second_server_in_it_finds_the_worker_too(self, become, ending):
        worker, runtime, steps = become(kind("ThreadWorker")()), ManualRuntime(), []
        for name in "ab":
            stop_with_process(runtime, lambda name=name: steps.append(name), lambda: True)
        assert mode_of_worker() == "threads"
        signal.raise_signal(signal.SIGTERM)
        runtime.settle()
        assert sorted(steps) == ["a", "b"]
        assert worker.signals == [signal.SIGTERM]


def test_a_program_that_ends_lets_its_clients_know():
    program = """
        from sionamespace import Namespace, Server

        class Chat(Namespace): ...

        server = Server({"/": Chat}, async_mode="threads")
        server.wsgi()

        class Link:
            sid, transport, protocol = "sid", "websocket", 5
            def close(self, reason):
                print(reason)
                self.receiver.closed(reason)
            def send(self, parcel, volatile=False): ...

        link = Link()
        link.receiver = server.accept(link, {})
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stdout.strip() == "server shutting down"
