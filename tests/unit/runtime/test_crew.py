"""What becomes of the threads when the system gives no more of them."""

from __future__ import annotations

import logging
import os
import queue
import socket
import threading

import pytest

from sionamespace.runtime.threads import ThreadsDriver


class System:
    """A system that starts so many threads of ours and no more."""

    def __init__(self):
        self.threads = 1000
        self.refusing = lambda: None
        self._start = threading.Thread.start

    def start(self, thread):
        if thread.name == "sionamespace":
            if not self.threads:
                self.refusing()
                raise RuntimeError("can't start new thread")
            self.threads -= 1
        self._start(thread)


@pytest.fixture
def system(monkeypatch):
    system = System()
    monkeypatch.setattr(threading.Thread, "start", lambda thread: system.start(thread))
    return system


def goes_on(driver):
    """Whether somebody still runs what is started."""
    ran = threading.Event()
    driver.start(ran.set)
    return ran.wait(5)


WAITS = {
    "for a client to read": lambda driver, sock: driver.wait_writable(sock),
    "for a client to send": lambda driver, sock: driver.wait_readable(sock),
    "for a value": lambda driver, sock: driver.waiter().wait(None),
    "for a while": lambda driver, sock: driver.sleep(20),
}


@pytest.mark.parametrize("wait", WAITS.values(), ids=WAITS)
def test_what_would_wait_fails_when_nobody_else_could_serve(system, wait, caplog):
    system.threads = 2  # who leads, and the overseer
    driver, errors = ThreadsDriver(), queue.SimpleQueue()
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.setblocking(False)
        while True:
            try:
                ours.send(b"x" * 65536)
            except BlockingIOError:
                break

        def job():
            try:
                wait(driver, ours)
            except OSError as error:
                errors.put(error)

        for _ in range(3):
            driver.start(job)
            assert "no thread can be started" in str(errors.get(timeout=5))
        assert goes_on(driver)
    assert caplog.text.count("can't start new thread") == 1


def test_it_waits_as_ever_once_there_can_be_threads_again(system):
    system.threads = 2
    driver, outcomes = ThreadsDriver(), queue.SimpleQueue()

    def job():
        try:
            outcomes.put(driver.sleep(0.01))
        except OSError as error:
            outcomes.put(error)

    driver.start(job)
    assert isinstance(outcomes.get(timeout=5), OSError)
    system.threads = 1
    driver.start(job)
    assert outcomes.get(timeout=5) is None
    assert goes_on(driver)


def test_who_leads_stays_the_leader_until_there_is_another(system):
    system.threads = 2
    driver, gate, second = ThreadsDriver(), threading.Event(), threading.Event()

    def refusing():
        gate.set()  # the leader's job ends while it is being deposed
        driver.start(second.set)
        second.wait(0.2)

    system.refusing = refusing
    driver.start(gate.wait, 10)
    assert gate.wait(5)
    assert goes_on(driver)


def test_an_overseer_that_could_not_be_started_comes_later(system):
    system.threads = 1
    driver, gate = ThreadsDriver(), threading.Event()
    assert goes_on(driver)
    system.threads = 1000
    driver.start(gate.wait, 10)
    assert goes_on(driver), "nobody has deposed who blocks"
    gate.set()


def test_when_there_can_be_no_thread_who_asks_is_told_and_the_next_one_may_have_more_luck(system):
    system.threads = 0
    driver, ran = ThreadsDriver(), threading.Event()
    with pytest.raises(RuntimeError, match="no thread can be started to serve the clients"):
        driver.start(ran.set)
    system.threads = 1000
    assert goes_on(driver)
    assert ran.is_set()


def test_who_is_given_no_thread_is_not_told_so_if_somebody_else_was_given_one(system):
    driver, first = ThreadsDriver(), threading.Event()

    def refusing():
        system.threads = 1000
        assert goes_on(driver)

    system.threads, system.refusing = 0, refusing
    driver.start(first.set)
    assert first.wait(5)


def test_a_glance_is_no_wait(system):
    system.threads = 2
    driver, found = ThreadsDriver(), queue.SimpleQueue()
    driver.start(lambda: found.put((driver.waiter().wait(0), driver.sleep(0))))
    assert found.get(timeout=5) == (False, None)


class Broken(logging.Handler):
    def emit(self, record):
        raise OSError("the disk is full")


def test_a_log_that_fails_ends_no_thread_of_ours(system, monkeypatch, capsys):
    monkeypatch.setattr(logging.getLogger("sionamespace.runtime"), "handlers", [Broken()])
    system.threads = 2
    driver, gate = ThreadsDriver(), threading.Event()
    driver.start(lambda: 1 / 0)
    assert goes_on(driver)
    refused = threading.Event()
    system.refusing = refused.set
    driver.start(gate.wait, 10)
    assert refused.wait(5)
    gate.set()
    assert goes_on(driver)
    assert "ZeroDivisionError" in capsys.readouterr().err
    system.threads = 1000
    gate.clear()
    driver.start(gate.wait, 10)
    assert goes_on(driver), "nobody has deposed who blocks"
    gate.set()


def test_a_look_that_fails_for_lack_of_files_is_tried_again(monkeypatch, caplog):
    pipe, tries = os.pipe, iter([True])

    def pipe_or_fail():
        if next(tries, False):
            raise OSError("Too many open files")
        return pipe()

    monkeypatch.setattr(os, "pipe", pipe_or_fail)
    driver, looks = ThreadsDriver(), queue.SimpleQueue()
    wait = driver._wait
    monkeypatch.setattr(driver, "_wait", lambda *args: looks.put(args[1]) or wait(*args))
    assert goes_on(driver)
    while not looks.get(timeout=5):  # it waits for events
        pass
    assert goes_on(driver)
    assert "Too many open files" in caplog.text


def test_a_socket_that_is_closed_cannot_be_waited_for():
    sock, other = socket.socketpair()
    with other:
        sock.close()
        with pytest.raises(OSError, match="closed"):
            ThreadsDriver().wait_writable(sock)
