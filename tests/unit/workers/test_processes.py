"""How processes are started, heard and replaced."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap

import pytest

from sionamespace import ConfigurationError
from sionamespace.workers import slot as slots
from sionamespace.workers.hearing import Hearing
from sionamespace.workers.master import supervise
from sionamespace.workers.slot import Slot


def run(program):
    """What a program says whose processes are its own; its exit code."""
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.stdout + done.stderr, done.returncode


START = """
import atexit, os, signal, sys
from sionamespace import ConfigurationError
from sionamespace.workers.process import Process

def end_of(function):
    process = Process(function)
    while not process.look():
        pass
    return process.end.partition(") ")[2]
"""


class TestProcess:
    @pytest.mark.parametrize(
        ("function", "end"),
        [
            ("lambda: None", "ended with code 0"),
            ("lambda: sys.exit(3)", "ended with code 3"),
            ("lambda: sys.exit()", "ended with code 0"),
            ("lambda: os.kill(os.getpid(), signal.SIGKILL)", "died of SIGKILL"),
            ("lambda: os.kill(os.getpid(), 40)", "died of signal 40"),
        ],
    )
    def test_it_tells_how_it_has_ended(self, function, end):
        assert run(f"{START}\nprint(end_of({function}))") == (f"{end}\n", 0)

    def test_what_fails_is_said_with_a_traceback_unless_it_explains_itself(self):
        said, _ = run(f"{START}\nprint(end_of(lambda: 1 / 0))")
        assert "ZeroDivisionError" in said
        assert "ended with code 1" in said
        said, _ = run(
            f"""{START}
def fail():
    raise ConfigurationError("the mend")
print(end_of(fail))
"""
        )
        assert said.splitlines() == ["ended with code 1", "sionamespace: the mend"]

    def test_the_rest_of_the_program_is_not_run_in_it(self):
        said, _ = run(
            f"""{START}
atexit.register(print, "at the end of the first one")
def be():
    atexit.register(print, "at the end of the other one")
try:
    end_of(be)
finally:
    print("the rest")
"""
        )
        assert said.splitlines() == [
            "at the end of the other one",
            "the rest",
            "at the end of the first one",
        ]

    def test_what_waits_to_be_written_is_written_once(self):
        assert run(f"{START}\nsys.stdout.write('once ')\nend_of(lambda: print('and'))") == (
            "once and\n",
            0,
        )

    @pytest.mark.parametrize("error", ["ConfigurationError('x')", "SystemExit('x')", "OSError"])
    def test_one_that_cannot_say_why_it_fails_ends_all_the_same(self, error):
        said = run(
            f"""{START}
def fail():
    raise {error}
read, write = os.pipe()
os.dup2(write, 2)
os.close(read)
os.close(write)
try:
    print(end_of(fail), flush=True)
finally:
    print("the rest", flush=True)
"""
        )
        assert said == ("ended with code 1\nthe rest\n", 0)

    def test_a_green_hub_is_not_shared_with_it(self):
        said, _ = run(
            f"""{START}
import warnings
warnings.simplefilter("ignore")
import eventlet
from eventlet import hubs
hub = hubs.get_hub()
print(end_of(lambda: sys.exit(hubs.get_hub() is hub or type(hubs.get_hub()) is not type(hub))))
"""
        )
        assert said == "ended with code 0\n"


class TestSlot:
    @pytest.fixture
    def clock(self, monkeypatch):
        clock = [100.0]
        monkeypatch.setattr(slots.time, "monotonic", lambda: clock[0])
        return clock

    @pytest.fixture
    def slot(self, clock):
        return Slot("worker 1", lambda: None)

    def test_the_first_process_is_due_at_once(self, slot):
        assert slot.seconds_to_next() == 0
        assert slot.pid is None

    def test_the_pause_grows_with_each_that_dies_early(self, slot, clock, caplog):
        pauses = []
        for _ in range(9):
            slot._begun = clock[0]
            slot.restart("worker 1 (process 5) died of SIGKILL")
            pauses.append(round(slot.seconds_to_next(), 3))
            clock[0] += pauses[-1]
            assert slot.seconds_to_next() == 0
        assert pauses == [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5, 5, 5]
        assert "worker 1 (process 5) died of SIGKILL; another one starts in 0.1 s" in caplog.text

    def test_after_a_steady_one_it_is_short_again(self, slot, clock):
        for _ in range(5):
            slot.restart("")
        slot._begun = clock[0]
        clock[0] += 60
        slot.restart("")
        assert slot.seconds_to_next() == pytest.approx(0.1)

    def test_one_that_was_told_to_go_is_followed_at_once_and_that_is_no_error(self, slot, caplog):
        slot.replace(signal.SIGHUP, 20)
        slot.restart("worker 1 (process 5) ended with code 0")
        assert slot.seconds_to_next() == 0
        assert caplog.text == ""


class TestHearing:
    def test_signals_and_lines_end_the_wait(self):
        hearing = Hearing()
        before = signal.getsignal(signal.SIGUSR1)
        with hearing.on([signal.SIGUSR1]):
            os.kill(os.getpid(), signal.SIGUSR1)
            assert hearing.wait(20).signals == [signal.SIGUSR1]
            os.write(hearing.teller, b"one\ntwo\n")
            heard = hearing.wait(20)
            assert (heard.signals, heard.lines) == ([], ["one", "two"])
            assert hearing.wait(0) == ([], [], [])
        assert signal.getsignal(signal.SIGUSR1) is before
        hearing.close()

    def test_so_does_whatever_else_can_be_read(self):
        hearing, other = Hearing(), Hearing()
        os.write(other.teller, b"news")

        class Readable:
            def fileno(self):
                return other._news

        readable = Readable()
        assert hearing.wait(20, readable).readable == [readable]
        hearing.close()
        other.close()


SUPERVISE = """
import os, signal, sys
from sionamespace.workers import master

master._PATIENCE = 0.2

def end(worker):
    os.kill(os.getppid(), signal.SIGTERM)
    signal.pause()
"""


class TestSupervise:
    """What becomes of workers; a second process of one ends the master."""

    def test_one_that_does_not_end_when_it_is_to_be_replaced_is_killed(self, tmp_path):
        said, code = run(
            f"""{SUPERVISE}
def work(worker):
    worker.opened("http", "test")
    if os.path.exists("{tmp_path}/hangs"):
        end(worker)
    open("{tmp_path}/hangs", "w").close()
    signal.alarm(60)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    os.kill(os.getppid(), signal.SIGHUP)
    while True:
        signal.pause()

master.supervise(1, "127.0.0.1", 0, work, drain=0)
"""
        )
        assert code == 0, said
        lines = said.splitlines()
        assert lines[0].endswith("1 workers; Ctrl-C stops")
        assert lines[1].startswith("worker 1 (process ")
        assert lines[1].endswith(") does not end; it is killed")
        assert lines[2:] == ["stopped"]

    def test_one_that_cannot_be_started_again_is_tried_again_and_the_others_serve_on(self):
        said, code = run(
            f"""{SUPERVISE}
fork, forked = os.fork, []
read, write = os.pipe()

def sometimes():
    forked.append(1)
    if len(forked) == 3:
        raise BlockingIOError(11, "too many processes")
    return fork()

os.fork = sometimes

def work(worker):
    worker.opened("http", "test")
    if len(forked) == 1:
        os.read(read, 1)
        sys.exit(5)
    if len(forked) == 4:
        end(worker)
    os.write(write, b"x")
    signal.pause()

master.supervise(2, "127.0.0.1", 0, work, drain=0)
"""
        )
        assert code == 0, said
        assert "ended with code 5; another one starts in 0.1 s" in said
        failed = "worker 1 could not be started: [Errno 11] too many processes; another one starts"
        assert f"{failed} in 0.2 s" in said
        assert said.splitlines()[-1] == "stopped"
        assert said.count("another one starts") == 2


@pytest.mark.parametrize("count", [0, -1, 257, True, "4", 2.0, None])
def test_there_are_1_to_256_workers(count):
    with pytest.raises(ConfigurationError, match="1 to 256"):
        supervise(count, "127.0.0.1", 0, lambda worker: None)
