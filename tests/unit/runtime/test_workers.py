from __future__ import annotations

import threading

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
