from __future__ import annotations

import pytest

from sionamespace.runtime.line import PATIENCE, Line
from sionamespace.runtime.pending import Pending
from sionamespace.testing.runtime import ManualRuntime


class Counting(ManualRuntime):
    """A runtime that counts what it starts."""

    started = 0

    def start(self, step):
        self.started += 1
        super().start(step)


@pytest.fixture
def runtime():
    return Counting()


@pytest.fixture
def line(runtime):
    return Line(runtime)


@pytest.fixture
def log():
    return []


@pytest.fixture
def job(log, runtime):
    """Makes jobs that write down their names, and wait in between for a gate if there is one."""

    def make(name, gate=None):
        async def run():
            if gate is not None:
                log.append(f"{name}...")
                gate.result()
            log.append(name)

        return run

    return make


def test_jobs_run_in_order_and_one_at_a_time(runtime, line, log, job):
    gate = Pending(runtime)
    line.put(job("a", gate))
    line.put(job("b"))
    line.put(job("c"))
    runtime.settle()
    assert log == ["a..."]
    gate.resolve(None)
    runtime.settle()
    assert log == ["a...", "a", "b", "c"]


def test_a_job_does_not_run_inside_of_put(line, log, job):
    line.put(job("a"))
    assert log == []


def test_nothing_stands_by_for_an_idle_line_and_one_serves_many_jobs(runtime, line, log, job):
    assert runtime.started == 0
    for name in "abc":
        line.put(job(name))
    assert runtime.started == 1
    runtime.settle()
    line.put(job("d"))
    runtime.settle()
    assert runtime.started == 2
    assert log == list("abcd")


def test_a_job_may_put_another(runtime, line, log, job):
    async def first():
        line.put(job("second"))
        log.append("first")

    line.put(first)
    runtime.settle()
    assert log == ["first", "second"]


def test_lines_do_not_wait_for_each_other(runtime, line, log, job):
    gate = Pending(runtime)
    line.put(job("a", gate))
    Line(runtime).put(job("b"))
    runtime.settle()
    assert log == ["a...", "b"]


def test_a_job_that_breaks_off_does_not_stop_the_line(runtime, line, log, job):
    class Abandoned(BaseException):
        """As eventlet's Timeout, which is no Exception."""

    async def broken():
        raise Abandoned

    line.put(broken)
    line.put(job("waiting"))
    with pytest.raises(Abandoned):
        runtime.settle()
    runtime.settle()
    line.put(job("later"))
    runtime.settle()
    assert log == ["waiting", "later"]


class TestPutLast:
    def test_it_waits_for_those_before_it(self, runtime, line, log, job):
        gate = Pending(runtime)
        line.put(job("a", gate))
        line.put(job("b"))
        line.put_last(job("last"))
        runtime.advance(PATIENCE / 2)
        gate.resolve(None)
        runtime.settle()
        assert log == ["a...", "a", "b", "last"]

    def test_it_runs_once_also_when_its_patience_ends_later(self, runtime, line, log, job):
        line.put(job("a"))
        line.put_last(job("last"))
        runtime.advance(PATIENCE * 3)
        assert log == ["a", "last"]

    def test_it_overtakes_a_job_that_does_not_end(self, runtime, line, log, job):
        gate = Pending(runtime)
        line.put(job("endless", gate))
        line.put(job("waiting"))
        line.put_last(job("last"))
        runtime.advance(PATIENCE * 0.99)
        assert log == ["endless..."]
        runtime.advance(PATIENCE * 0.02)
        assert log == ["endless...", "last"]
        gate.resolve(None)
        runtime.settle()
        assert log == ["endless...", "last", "endless", "waiting"]

    def test_on_an_idle_line_it_runs_at_once(self, runtime, line, log, job):
        line.put_last(job("last"))
        runtime.settle()
        assert log == ["last"]

    def test_it_is_not_run_again_while_it_waits_itself(self, runtime, line, log, job):
        gate, busy = Pending(runtime), Pending(runtime)
        line.put(job("a", busy))
        line.put_last(job("last", gate))
        busy.resolve(None)
        runtime.advance(PATIENCE * 2)
        gate.resolve(None)
        runtime.settle()
        assert log == ["a...", "a", "last...", "last"]
