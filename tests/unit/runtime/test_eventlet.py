from __future__ import annotations

import contextvars
import socket
import threading
import time
from concurrent.futures import CancelledError
from contextlib import suppress

import pytest
from greenlet import getcurrent

from sionamespace.runtime.eventlet import EventletDriver, eventlet
from sionamespace.runtime.originals import get_ident
from sionamespace.runtime.pending import Pending
from sionamespace.runtime.sockets import OVER, WAITING
from sionamespace.runtime.threaded import ThreadedRuntime


@pytest.fixture(autouse=True)
def _soon():
    """No test waits for ever."""
    with eventlet.Timeout(10):
        yield


@pytest.fixture
def pair():
    ends = socket.socketpair()
    for end in ends:
        end.setblocking(False)
    yield ends
    for end in ends:
        end.close()


def mail_is_read(driver, elsewhere):
    """Wait until all that was posted before has run."""
    read = eventlet.event.Event()
    elsewhere.run(driver.post, read.send)
    read.wait()


class TestPost:
    def test_what_another_thread_posts_runs_on_the_engines_in_order(self, driver, elsewhere):
        found = []

        def post_many():
            for number in range(500):
                driver.post(lambda n=number: found.append((n, get_ident())))

        elsewhere.run(post_many)
        mail_is_read(driver, elsewhere)
        assert found == [(number, get_ident()) for number in range(500)]

    def test_what_several_threads_post_at_once_all_arrives_in_the_order_of_each(
        self, driver, elsewhere
    ):
        found = []
        barrier = threading.Barrier(4)

        def post_many(name):
            barrier.wait(5)
            for number in range(200):
                driver.post(found.append, (name, number))

        threads = [elsewhere.start(post_many, name)[0] for name in "abcd"]
        while any(thread.is_alive() for thread in threads):
            eventlet.sleep(0)
        mail_is_read(driver, elsewhere)
        for name in "abcd":
            assert [n for who, n in found if who == name] == list(range(200))

    def test_posting_works_in_a_process_that_is_monkey_patched(self, driver, elsewhere, mocker):
        for name in ("read", "write"):
            mocker.patch(f"os.{name}", side_effect=AssertionError("it would wait"))
        found = []
        driver.post(found.append, "posted")
        mail_is_read(driver, elsewhere)
        assert found == ["posted"]

    def test_the_engines_own_thread_may_post_and_does_not_run_it_at_once(self, driver, elsewhere):
        found = []
        driver.post(found.append, "posted")
        assert found == []
        mail_is_read(driver, elsewhere)
        assert found == ["posted"]

    def test_what_is_posted_may_post(self, driver, elsewhere):
        found = []
        driver.post(lambda: driver.post(found.append, "second"))
        driver.post(found.append, "first")
        mail_is_read(driver, elsewhere)
        assert found == ["first", "second"]

    def test_a_posted_call_that_fails_is_logged_and_the_next_runs(self, driver, elsewhere, caplog):
        found = []
        driver.post(lambda: 1 / 0)
        driver.post(found.append, "next")
        mail_is_read(driver, elsewhere)
        assert found == ["next"]
        (record,) = caplog.records
        assert record.exc_info[0] is ZeroDivisionError

    def test_what_was_posted_before_the_engine_runs_arrives_then(self, elsewhere):
        def scene():
            driver, found = EventletDriver(), []
            driver.post(found.append, "early")
            driver.bind()
            eventlet.sleep(0.01)
            driver.post(found.append, "late")
            with eventlet.Timeout(5, False):
                while len(found) < 2:
                    eventlet.sleep(0.001)
            return found

        assert elsewhere.run(scene) == ["early", "late"]


class TestThreads:
    def test_the_thread_that_is_bound_is_the_engines_and_no_other(self, driver, elsewhere):
        assert driver.here()
        assert not elsewhere.run(driver.here)
        elsewhere.run(driver.bind)
        assert driver.here()
        assert not elsewhere.run(driver.here)

    def test_green_threads_of_it_are_here_too(self, driver):
        assert eventlet.spawn(driver.here).wait()

    def test_before_the_engine_runs_everybody_is_here(self, elsewhere):
        driver = EventletDriver()
        assert driver.here()
        assert elsewhere.run(driver.here)

    def test_a_real_thread_is_none_of_the_engines_and_does_not_keep_the_process(self, driver):
        found = []
        thread = driver.start_real_thread(
            lambda: found.append((get_ident(), threading.current_thread().daemon))
        )
        thread.join()
        assert found[0][0] != get_ident()
        assert thread.daemon

    def test_what_is_started_runs_in_a_green_thread_of_its_own(self, driver):
        found = []
        driver.start(lambda *args: found.append((args, get_ident(), getcurrent())), 1, 2)
        assert found == []
        driver.sleep(0)
        ((args, ident, green),) = found
        assert (args, ident) == ((1, 2), get_ident())
        assert green is not getcurrent()


class TestTime:
    def test_a_timer_calls_after_its_seconds(self, driver):
        called = eventlet.event.Event()
        start = driver.now()
        driver.later(0.02, called.send, "value")
        assert called.wait() == "value"
        assert driver.now() - start >= 0.02

    def test_a_timer_that_is_cancelled_does_not_call(self, driver):
        called = []
        driver.later(0.001, called.append, 1).cancel()
        driver.later(0.002, called.append, 2)
        driver.sleep(0.01)
        assert called == [2]

    def test_a_green_thread_that_sleeps_lets_the_others_run(self, driver):
        steps = []
        green = eventlet.spawn(lambda: (driver.sleep(0.005), steps.append("slept")))
        driver.sleep(0)
        steps.append("meanwhile")
        green.wait()
        assert steps == ["meanwhile", "slept"]

    def test_another_thread_sleeps_as_long_and_by_itself(self, driver, elsewhere):
        start = time.monotonic()
        elsewhere.run(driver.sleep, 0.01)
        assert time.monotonic() - start >= 0.01


class TestWaiter:
    def test_a_green_thread_is_woken_by_a_green_thread(self, driver):
        waiter = driver.waiter()
        eventlet.spawn(waiter.set)
        assert waiter.wait(5) is True

    def test_a_green_thread_is_woken_by_a_real_thread(self, driver, elsewhere):
        waiter = driver.waiter()
        elsewhere.start(waiter.set)
        assert waiter.wait(5) is True

    def test_a_real_thread_is_woken_by_a_green_thread(self, driver, elsewhere):
        waiters = []

        def wait():
            waiters.append(driver.waiter())
            return waiters[0].wait(5)

        def wake():
            while not waiters:
                driver.sleep(0)
            waiters[0].set()

        eventlet.spawn(wake)
        assert elsewhere.run(wait) is True

    def test_the_other_green_threads_run_while_one_waits(self, driver):
        steps = []
        waiter = driver.waiter()
        green = eventlet.spawn(lambda: (waiter.wait(5), steps.append("woken")))
        driver.sleep(0)
        steps.append("meanwhile")
        waiter.set()
        green.wait()
        assert steps == ["meanwhile", "woken"]

    def test_it_tells_when_the_time_was_over_first(self, driver, elsewhere):
        assert driver.waiter().wait(0.001) is False
        assert elsewhere.run(lambda: driver.waiter().wait(0.001)) is False

    @pytest.mark.parametrize("seconds", [None, 0, 5])
    def test_one_that_was_set_before_does_not_wait(self, driver, elsewhere, seconds):
        waiter = driver.waiter()
        waiter.set()
        waiter.set()
        assert waiter.wait(seconds) is True

        def on_another_thread():
            waiter = driver.waiter()
            waiter.set()
            return waiter.wait(seconds)

        assert elsewhere.run(on_another_thread) is True

    def test_what_an_async_function_returns_can_be_waited_for_before_the_engine_runs(
        self, elsewhere
    ):
        async def load():
            return "loaded"

        def scene():
            runtime = ThreadedRuntime(EventletDriver())
            with eventlet.Timeout(5):
                return runtime.spawn(load).result()

        assert elsewhere.run(scene) == "loaded"

    def test_before_the_engine_runs_waiting_has_its_time_too(self):
        waiter = EventletDriver().waiter()
        assert waiter.wait(0.002) is False
        waiter.set()
        assert waiter.wait(0) is True

    def test_settling_from_many_threads_wakes_each_who_waits_once(self, threaded, elsewhere):
        pendings = [Pending(threaded) for _ in range(50)]
        got = [eventlet.spawn(pending.result) for pending in pendings]
        for number, pending in enumerate(pendings):
            elsewhere.start(pending.resolve, number)
            elsewhere.start(pending.cancel)
        for number, green in enumerate(got):
            with suppress(CancelledError):
                assert green.wait() == number
            assert pendings[number].done()


class TestWritable:
    def test_a_full_socket_is_waited_for_until_it_is_read(self, driver, pair):
        ours, theirs = pair
        with suppress(BlockingIOError):
            while ours.send(b"x" * 65536):
                pass
        waiting = eventlet.spawn(driver.wait_writable, ours)
        driver.sleep(0.005)
        assert not waiting.dead
        with suppress(BlockingIOError):
            while theirs.recv(65536):
                pass
        waiting.wait()
        assert ours.send(b"more") == 4


class TestStart:
    def test_what_is_started_runs_soon_and_not_at_once(self, driver):
        found = []
        driver.start(found.append, 1)
        driver.start(found.append, 2)
        assert found == []
        eventlet.sleep(0)
        assert found == [1, 2]

    def test_one_that_waits_stops_no_other(self, driver):
        found, gate = [], eventlet.event.Event()

        def wait():
            found.append("waits")
            gate.wait()
            found.append("goes on")

        driver.start(wait)
        driver.start(found.append, "another")
        eventlet.sleep(0)
        assert found == ["waits", "another"]
        gate.send()
        eventlet.sleep(0)
        assert found == ["waits", "another", "goes on"]

    def test_one_that_fails_is_logged_and_stops_no_other(self, driver, caplog):
        found = []
        driver.start(lambda: 1 / 0)
        driver.start(found.append, "another")
        eventlet.sleep(0)
        assert found == ["another"]
        assert "ZeroDivisionError" in caplog.text

    def test_green_threads_are_used_again_but_context_variables_are_not(self, driver):
        variable = contextvars.ContextVar("variable", default="unset")
        seen, threads = [], set()

        def job(number):
            seen.append(variable.get())
            threads.add(getcurrent())
            variable.set(number)

        for number in range(3):
            driver.start(job, number)
            eventlet.sleep(0)
        assert seen == ["unset"] * 3
        assert len(threads) == 1


class TestWatch:
    def test_it_is_called_when_there_is_something_to_read_until_it_has_enough(self, driver, pair):
        ours, theirs = pair
        got, finished = [], eventlet.event.Event()

        def readable():
            got.append(ours.recv(10))
            return WAITING if len(got) < 2 else OVER

        driver.watch(ours, readable, finished.send)
        eventlet.sleep(0)
        assert got == []
        for data in (b"one", b"two"):
            theirs.send(data)
            while got[-1:] != [data]:
                eventlet.sleep(0)
        finished.wait()
        theirs.send(b"three")
        eventlet.sleep(0.01)
        assert got == [b"one", b"two"]

    def test_what_it_starts_runs_when_it_has_returned(self, driver, pair):
        found, finished = [], eventlet.event.Event()

        def readable():
            driver.start(lambda: (found.append("started"), finished.send()))
            found.append("returned")
            return OVER

        driver.watch(pair[0], readable, lambda: None)
        pair[1].send(b"x")
        finished.wait()
        assert found == ["returned", "started"]

    def test_one_that_fails_is_logged_and_watched_no_more(self, driver, pair, caplog):
        finished = eventlet.event.Event()
        driver.watch(pair[0], lambda: 1 / 0, finished.send)
        pair[1].send(b"x")
        finished.wait()
        assert "ZeroDivisionError" in caplog.text
