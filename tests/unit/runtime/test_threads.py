"""What is special about threads: who leads, and what happens when a handler blocks."""

from __future__ import annotations

import sys
import threading
import time

import pytest

from sionamespace.runtime.crew import Crew
from sionamespace.runtime.threads import ThreadsDriver
from sionamespace.runtime.turns import Turns


def test_a_job_that_blocks_in_an_unknown_way_keeps_no_other_waiting():
    driver, gate, ran = ThreadsDriver(), threading.Event(), threading.Event()
    driver.start(gate.wait, 10)
    driver.start(ran.set)
    assert ran.wait(5)
    gate.set()


def test_many_that_block_all_run_at_the_same_time():
    driver, barrier, done = ThreadsDriver(), threading.Barrier(30), threading.Semaphore(0)
    for _ in range(30):
        driver.start(lambda: (barrier.wait(5), done.release()))
    for _ in range(30):
        assert done.acquire(timeout=5)


def test_jobs_that_do_not_wait_share_one_thread():
    driver, idents, done = ThreadsDriver(), set(), threading.Event()
    for _ in range(50):
        driver.start(lambda: idents.add(threading.get_ident()))
    driver.start(done.set)
    assert done.wait(5)
    assert len(idents) == 1


def test_a_handler_that_raises_system_exit_ends_no_thread_of_ours():
    driver, done = ThreadsDriver(), threading.Event()

    def leave():
        raise SystemExit

    driver.start(leave)
    driver.start(done.set)
    assert done.wait(5)


def test_posting_never_waits_for_whoever_has_the_turn():
    turns, inside, leave, found = Turns(), threading.Event(), threading.Event(), []

    def hold():
        with turns:
            inside.set()
            leave.wait(5)

    holder = threading.Thread(target=hold)
    holder.start()
    assert inside.wait(5)
    turns.post(found.append, 1)
    assert found == []
    leave.set()
    holder.join(5)
    assert found == [1]


def test_a_turn_within_a_turn_is_the_same_turn():
    turns, found = Turns(), []
    with turns:
        with turns:
            turns.post(found.append, 1)
        assert turns.here()
        assert found == []
    assert not turns.here()
    assert found == [1]


@pytest.mark.parametrize("how", ["post", "at_end"])
def test_what_ends_a_thread_in_its_turn_leaves_the_turn_to_others(how):
    turns, found = Turns(), []
    with pytest.raises(SystemExit), turns:
        getattr(turns, how)(sys.exit)
    turns.post(found.append, 1)
    assert found == [1]
    assert not turns.here()


def test_timers_that_are_cancelled_do_not_lie_about():
    driver = ThreadsDriver()
    with driver.engine:
        for _ in range(5000):
            driver.later(60, time.monotonic).cancel()
        assert len(driver._timers._heap) < 2500


def test_a_leader_that_is_deposed_while_it_looks_is_not_woken_in_place_of_the_new_one():
    # It happens when the overseer makes up its mind while the leader ends its job.
    driver, looks = ThreadsDriver(), threading.Semaphore(0)
    look = driver._crew._look

    def seen_to_look(may_wait):
        if may_wait:
            looks.release()
        look(may_wait)

    driver._crew._look = seen_to_look
    for _ in range(20):
        ran = threading.Event()
        driver.start(ran.set)
        assert ran.wait(5), "a job was forgotten"
        assert looks.acquire(timeout=5)
        driver._crew._pass_on(driver._crew._leader)
        looks.acquire(timeout=0.05)  # the new one looks too, or waits for the other


def test_two_that_ask_for_the_overseer_at_once_do_each_other_no_harm():
    crew = Crew(lambda may_wait: None, lambda: None)
    crew._have_overseen()
    crew._overseen = False  # as the other has read it
    crew._have_overseen()
