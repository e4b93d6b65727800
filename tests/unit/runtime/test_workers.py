from __future__ import annotations

import threading

import pytest

from sionamespace.runtime.workers import Workers

SECONDS = 10


def test_a_function_runs_on_a_thread_that_does_not_keep_the_process():
    workers, ran = Workers(2), threading.Event()
    found = []

    def job(value):
        found.append((value, threading.current_thread().daemon))
        ran.set()

    workers.submit(job, 7)
    assert ran.wait(SECONDS)
    assert found == [(7, True)]


def test_threads_are_used_again():
    workers, names = Workers(8), set()
    for _ in range(5):
        ran = threading.Event()

        def job(ran=ran):
            names.add(threading.current_thread().name)
            ran.set()

        workers.submit(job)
        assert ran.wait(SECONDS)
        while workers._free == 0:  # it is about to be free
            pass
    assert len(names) == 1


def test_functions_that_block_do_not_stop_others_until_there_are_too_many():
    workers, gate = Workers(3), threading.Event()
    running, all_ran = threading.Semaphore(0), threading.Semaphore(0)

    def job():
        running.release()
        assert gate.wait(SECONDS)
        all_ran.release()

    for _ in range(5):
        workers.submit(job)
    for _ in range(3):
        assert running.acquire(timeout=SECONDS)
    assert not running.acquire(blocking=False)
    gate.set()
    for _ in range(5):
        assert all_ran.acquire(timeout=SECONDS)


@pytest.mark.parametrize("error", [SystemExit, KeyboardInterrupt, ZeroDivisionError])
def test_what_ends_a_job_does_not_end_its_thread(error):
    workers, ran = Workers(1), threading.Event()

    def fail():
        raise error

    workers.submit(fail)
    workers.submit(ran.set)
    assert ran.wait(SECONDS)


def test_where_no_thread_can_be_started_others_do_the_work(monkeypatch):
    workers, gate, ran = Workers(8), threading.Event(), threading.Event()
    workers.submit(gate.wait, SECONDS)

    def fail(thread):
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as less:
        less.setattr(threading.Thread, "start", fail)
        workers.submit(ran.set)
        with pytest.raises(RuntimeError):
            Workers(8).submit(ran.set)
    gate.set()
    assert ran.wait(SECONDS)
