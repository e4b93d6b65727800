"""What every driver promises (`sionamespace.runtime.threaded.Driver`)."""

from __future__ import annotations

import asyncio
import contextvars
import logging
import queue
import socket
import threading
import time
from contextlib import suppress

import pytest

from sionamespace.runtime.eventlet import EventletDriver
from sionamespace.runtime.gevent import GeventDriver
from sionamespace.runtime.sockets import AGAIN, OVER, WAITING
from sionamespace.runtime.threads import ThreadsDriver

DRIVERS = {driver.name: driver for driver in (EventletDriver, GeventDriver, ThreadsDriver)}
LONG = (25 * 86400.0, 1e8)
"""Seconds: ``poll`` and ``epoll`` wait for less than 2**31 milliseconds."""


class Scene:
    """An engine that runs on a thread of its own; tests look at it from outside."""

    def __init__(self, make):
        self.driver = make()
        self._end = None
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        assert self._ready.wait(5)

    def _run(self):
        self.driver.bind()
        self._end = self.driver.waiter()
        self._ready.set()
        self._end.wait(None)  # no timer but the test's

    def close(self):
        self._end.set()
        self._thread.join(5)
        assert not self._thread.is_alive()

    def on_engine(self, function, *args):
        """The result of a function on the engine's thread."""
        return self._get(self.driver.post, function, *args)

    def started(self, function, *args):
        """The result of a function that was started, and may wait."""
        return self._get(lambda run: self.driver.post(self.driver.start, run), function, *args)

    def _get(self, how, function, *args):
        results = queue.SimpleQueue()

        def run():
            try:
                results.put((function(*args), None))
            except BaseException as error:
                results.put((None, error))

        how(run)
        value, error = results.get(timeout=10)
        if error is not None:
            raise error
        return value


@pytest.fixture(params=list(DRIVERS))
def scene(request):
    scene = Scene(DRIVERS[request.param])
    yield scene
    scene.close()


@pytest.fixture
def logged():
    """The lines of the log, with the tracebacks, as they come."""
    lines = queue.SimpleQueue()
    handler = logging.Handler()
    handler.emit = lambda record: lines.put(logging.Formatter().format(record))
    logging.getLogger("sionamespace").addHandler(handler)
    yield lines
    logging.getLogger("sionamespace").removeHandler(handler)


@pytest.fixture
def pair():
    ends = socket.socketpair()
    for end in ends:
        end.setblocking(False)
    yield ends
    for end in ends:
        end.close()


class TestPost:
    def test_what_is_posted_runs_on_the_engines_thread_in_order(self, scene):
        found = []
        for number in range(500):
            scene.driver.post(lambda n=number: found.append((n, scene.driver.here())))
        scene.on_engine(lambda: None)
        assert found == [(number, True) for number in range(500)]

    def test_several_threads_may_post_and_none_is_lost(self, scene):
        found, barrier = [], threading.Barrier(4)

        def post_many(name):
            barrier.wait(5)
            for number in range(300):
                scene.driver.post(found.append, (name, number))

        threads = [threading.Thread(target=post_many, args=(name,)) for name in "abcd"]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(5)
        scene.on_engine(lambda: None)
        for name in "abcd":
            assert [n for who, n in found if who == name] == list(range(300))

    def test_what_the_engines_thread_posts_does_not_run_at_once(self, scene):
        def twice():
            found = []
            scene.driver.post(found.append, "posted")
            found.append("first")
            return found

        found = scene.on_engine(twice)
        scene.on_engine(lambda: None)
        assert found == ["first", "posted"]

    def test_one_that_fails_is_logged_and_the_next_runs(self, scene, caplog):
        scene.driver.post(lambda: 1 / 0)
        assert scene.on_engine(lambda: "next") == "next"
        assert "ZeroDivisionError" in caplog.text

    def test_two_threads_are_never_the_engines_at_once(self, scene):
        inside, most = [], []

        def enter():
            inside.append(1)
            most.append(len(inside))
            time.sleep(0)
            inside.pop()

        def post_many():
            for _ in range(200):
                scene.driver.post(enter)

        threads = [threading.Thread(target=post_many) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(5)
        scene.on_engine(lambda: None)
        assert len(most) == 800
        assert max(most) == 1


class TestStart:
    def test_what_is_started_runs_soon_and_may_wait(self, scene):
        assert scene.started(lambda: scene.driver.sleep(0.002) or "slept") == "slept"

    def test_one_that_waits_stops_no_other(self, scene):
        def wait():
            waiter = scene.driver.waiter()
            gates.put(waiter)
            return waiter.wait(10)

        gates, results = queue.SimpleQueue(), queue.SimpleQueue()
        for _ in range(20):
            scene.driver.post(scene.driver.start, lambda: results.put(wait()))
        waiting = [gates.get(timeout=5) for _ in range(20)]
        assert scene.started(lambda: "meanwhile") == "meanwhile"
        for waiter in waiting:
            waiter.set()
        assert [results.get(timeout=5) for _ in range(20)] == [True] * 20

    def test_one_that_fails_is_logged_and_stops_no_other(self, scene, logged):
        scene.driver.post(scene.driver.start, lambda: 1 / 0)
        assert scene.started(lambda: "another") == "another"
        # On threads another one may have run it, and not be at an end yet.
        assert "ZeroDivisionError" in logged.get(timeout=10)

    @pytest.mark.parametrize("error", [GeneratorExit, asyncio.CancelledError, BaseException])
    def test_whatever_it_raises_the_sockets_are_read_on(self, scene, pair, logged, error):
        read = queue.SimpleQueue()

        def fail():
            raise error("why")

        def readable():
            pair[0].recv(10)
            scene.driver.start(fail)
            read.put(True)
            return WAITING

        scene.on_engine(scene.driver.watch, pair[0], readable, lambda: None)
        for _ in range(3):
            pair[1].send(b"x")
            assert read.get(timeout=10)
            assert error.__name__ in logged.get(timeout=10)
        scene.driver.post(scene.driver.unwatch, pair[0])
        scene.on_engine(lambda: None)

    def test_context_variables_do_not_pass_from_job_to_job(self, scene):
        variable = contextvars.ContextVar("variable", default="unset")

        def job():
            before = variable.get()
            variable.set("set")
            return before

        assert [scene.started(job) for _ in range(5)] == ["unset"] * 5

    def test_the_application_is_never_called_with_the_engine_held(self, scene):
        if scene.driver.one_thread:
            assert scene.started(scene.driver.here)
        else:
            assert not scene.started(scene.driver.here)


class TestEnd:
    def test_a_function_is_called_when_what_is_done_has_ended(self, scene):
        order, ended = [], threading.Event()

        def end():
            order.append(("end", scene.driver.here()))
            ended.set()

        def do():
            scene.driver.at_end(end)
            order.append("done")

        scene.driver.post(do)
        assert ended.wait(5)
        assert order == ["done", ("end", True)]

    def test_one_that_asks_again_is_called_again(self, scene):
        ended = threading.Event()
        scene.driver.post(scene.driver.at_end, lambda: scene.driver.at_end(ended.set))
        assert ended.wait(5)

    def test_with_a_hub_it_is_after_all_that_a_socket_started(self, scene, pair):
        happened = queue.SimpleQueue()

        def handler():
            scene.driver.start(happened.put, "later handler")
            happened.put("handler")

        def readable():
            scene.driver.start(handler)
            scene.driver.at_end(lambda: happened.put("end"))
            return OVER

        scene.on_engine(scene.driver.watch, pair[0], readable, lambda: None)
        pair[1].send(b"x")
        order = [happened.get(timeout=5) for _ in range(3)]
        assert set(order) == {"handler", "later handler", "end"}
        if scene.driver.one_thread:  # elsewhere a handler is no part of the turn that started it
            assert order[-1] == "end"

    def test_a_handler_that_waits_keeps_nothing_back(self, scene, pair):
        ended, woken = threading.Event(), []

        def handler():
            waiter = scene.driver.waiter()
            woken.append(waiter)
            scene.driver.post(scene.driver.at_end, ended.set)
            waiter.wait(5)

        scene.driver.post(scene.driver.start, handler)
        assert ended.wait(5)
        woken[0].set()


class TestTime:
    def test_a_timer_calls_after_its_seconds_on_the_engines_thread(self, scene):
        results, begin = queue.SimpleQueue(), scene.driver.now()
        tell = lambda: results.put((scene.driver.now(), scene.driver.here()))  # noqa: E731
        scene.on_engine(scene.driver.later, 0.02, tell)
        when, here = results.get(timeout=5)
        assert when - begin >= 0.019
        assert here

    def test_timers_call_in_the_order_of_their_times(self, scene):
        results = queue.SimpleQueue()

        def begin():
            for seconds in (0.03, 0.01, 0.02):
                scene.driver.later(seconds, results.put, seconds)

        scene.on_engine(begin)
        assert [results.get(timeout=5) for _ in range(3)] == [0.01, 0.02, 0.03]

    def test_one_that_is_cancelled_does_not_call(self, scene):
        results = queue.SimpleQueue()
        timer = scene.on_engine(scene.driver.later, 0.005, results.put, "cancelled")
        scene.on_engine(timer.cancel)
        scene.on_engine(scene.driver.later, 0.01, results.put, "second")
        assert results.get(timeout=5) == "second"

    @pytest.mark.parametrize("seconds", LONG)
    def test_one_that_is_longer_than_the_system_waits_stops_nothing(self, scene, seconds, caplog):
        called = queue.SimpleQueue()
        scene.on_engine(scene.driver.later, seconds, called.put, "too early")
        for _ in range(3):
            assert scene.on_engine(scene.driver.here)
        scene.on_engine(scene.driver.later, 0.01, called.put, "in time")
        assert called.get(timeout=5) == "in time"
        assert caplog.records == []

    @pytest.mark.parametrize("seconds", LONG)
    @pytest.mark.parametrize("scene", ["eventlet", "gevent"], indirect=True)
    def test_nor_does_such_a_sleep(self, scene, seconds):
        scene.driver.post(scene.driver.start, scene.driver.sleep, seconds)
        for _ in range(3):
            assert scene.on_engine(scene.driver.here)


class TestWaiter:
    @pytest.mark.parametrize("seconds", LONG)
    def test_it_may_wait_longer_than_the_system_does(self, scene, seconds):
        waiters, results = queue.SimpleQueue(), queue.SimpleQueue()

        def wait():
            waiter = scene.driver.waiter()
            waiters.put(waiter)
            results.put(waiter.wait(seconds))

        scene.driver.post(scene.driver.start, wait)
        waiter = waiters.get(timeout=5)
        for _ in range(3):
            assert scene.on_engine(scene.driver.here)
        waiter.set()
        assert results.get(timeout=5) is True

    def test_it_is_woken_from_another_thread(self, scene):
        waiters = queue.SimpleQueue()
        waking = threading.Thread(target=lambda: waiters.get(timeout=5).set())
        waking.start()

        def wait():
            waiter = scene.driver.waiter()
            waiters.put(waiter)
            return waiter.wait(5)

        assert scene.started(wait) is True
        waking.join(5)

    def test_another_thread_is_woken_from_the_engines(self, scene):
        waiter = scene.driver.waiter()
        scene.driver.post(waiter.set)
        assert waiter.wait(5) is True

    def test_it_tells_when_the_time_was_over_first(self, scene):
        assert scene.driver.waiter().wait(0.001) is False
        assert scene.started(lambda: scene.driver.waiter().wait(0.001)) is False

    @pytest.mark.parametrize("seconds", [None, 0, 5])
    def test_one_that_was_set_before_does_not_wait(self, scene, seconds):
        def scenario():
            waiter = scene.driver.waiter()
            waiter.set()
            waiter.set()
            return waiter.wait(seconds), waiter.wait(seconds)

        assert scenario() == (True, True)
        assert scene.started(scenario) == (True, True)


class TestSockets:
    def test_a_socket_is_watched_until_it_has_enough(self, scene, pair):
        ours, theirs = pair
        got, finished = queue.SimpleQueue(), threading.Event()

        def readable():
            data = ours.recv(10)
            got.put((data, scene.driver.here()))
            return OVER if data == b"two" else WAITING

        scene.on_engine(scene.driver.watch, ours, readable, finished.set)
        for data in (b"one", b"two"):
            theirs.send(data)
            assert got.get(timeout=5) == (data, True)
        assert finished.wait(5)
        theirs.send(b"three")
        scene.started(scene.driver.sleep, 0.005)
        assert got.empty()

    def test_one_with_more_than_a_turns_worth_goes_on_after_the_others(self, scene, pair):
        other, others = socket.socketpair()
        happened, over = [], threading.Event()

        def flooded():
            happened.append("flood")
            return AGAIN if happened.count("flood") < 20 else OVER

        def asked():
            happened.append(other.recv(10))
            return OVER

        def come_together():
            scene.driver.watch(pair[0], flooded, over.set)
            scene.driver.watch(other, asked, lambda: None)

        with other, others:
            pair[1].send(b"x")  # and nobody reads it
            others.send(b"question")
            scene.on_engine(come_together)
            assert over.wait(5)
        assert happened.index(b"question") <= 2
        assert len(happened) == 21

    def test_one_that_fails_is_logged_and_watched_no_more(self, scene, pair, caplog):
        finished = threading.Event()
        scene.on_engine(scene.driver.watch, pair[0], lambda: 1 / 0, finished.set)
        pair[1].send(b"x")
        assert finished.wait(5)
        assert "ZeroDivisionError" in caplog.text

    def test_what_reading_starts_runs(self, scene, pair):
        results = queue.SimpleQueue()

        def readable():
            scene.driver.start(results.put, "started")
            return OVER

        scene.on_engine(scene.driver.watch, pair[0], readable, lambda: None)
        pair[1].send(b"x")
        assert results.get(timeout=5) == "started"

    def test_a_full_socket_is_waited_for_until_it_is_read(self, scene, pair):
        ours, theirs = pair
        with suppress(BlockingIOError):
            while ours.send(b"x" * 65536):
                pass
        waited = queue.SimpleQueue()
        scene.driver.post(scene.driver.start, lambda: waited.put(scene.driver.wait_writable(ours)))
        assert scene.started(lambda: "meanwhile") == "meanwhile"
        assert waited.empty()
        with suppress(BlockingIOError):
            while theirs.recv(65536):
                pass
        waited.get(timeout=5)
        assert ours.send(b"more") == 4


def test_a_real_thread_does_not_share_the_engines(scene):
    found = queue.SimpleQueue()
    scene.on_engine(
        scene.driver.start_real_thread,
        lambda: found.put((threading.get_ident(), scene.driver.here())),
    )
    ident, here = found.get(timeout=5)
    assert ident != scene._thread.ident
    assert not here


@pytest.mark.parametrize("make", [EventletDriver, GeventDriver])
def test_what_another_thread_started_before_it_was_bound_runs_then(make):
    results = queue.SimpleQueue()

    def make_and_start():
        driver = make()
        starter = threading.Thread(target=driver.start, args=(results.put, "started"))
        starter.start()
        starter.join(5)
        return driver

    scene = Scene(make_and_start)
    assert results.get(timeout=5) == "started"
    scene.close()
