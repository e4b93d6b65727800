"""Workers that accept from one socket get about as many clients each."""

from __future__ import annotations

import pytest

from sionamespace.workers.balance import Balance, Loads


class Worker:
    """A worker that accepts when it may."""

    def __init__(self, loads, number, clock):
        self.clients = 0
        self.balance = Balance(loads, number, lambda: clock[0])
        self.balance.clients = lambda: self.clients
        self._clock = clock
        self._until = 0.0

    def look(self):
        """Look at a client that waits; whether it was accepted, and not left to the others."""
        if self._clock[0] < self._until:
            return False
        if pause := self.balance.pause():
            self._until = self._clock[0] + pause
            return False
        self.balance.accepted()
        self.clients += 1
        return True


def come(workers, clock, count, every):
    """Clients come, each of which the first takes that may; how many each worker has then."""
    for _ in range(count):
        while not any(worker.look() for worker in workers):
            clock[0] += 0.0005
        clock[0] += every
    return [worker.clients for worker in workers]


@pytest.fixture
def clock():
    return [100.0]


@pytest.fixture
def workers(clock):
    loads = Loads(3)
    workers = [Worker(loads, number, clock) for number in range(3)]
    for worker in workers:
        worker.balance.pause()
    return workers


def test_one_that_is_alone_there_takes_all(clock):
    worker = Worker(Loads(4), 2, clock)
    assert all(worker.look() for _ in range(1000))


@pytest.mark.parametrize("every", [0, 0.001, 0.01, 1])
def test_the_one_that_is_always_first_leaves_the_others_their_share(workers, clock, every):
    found = come(workers, clock, 900, every)
    assert sum(found) == 900
    assert all(250 <= count <= 350 for count in found)


def test_a_burst_is_shared_too_before_anybody_has_become_a_client(workers, clock):
    for worker in workers:
        worker.balance.clients = lambda: 0
    assert all(250 <= count <= 350 for count in come(workers, clock, 900, 0))


def test_those_who_have_left_count_no_more(workers, clock):
    first, second, third = workers
    first.clients = second.clients = third.clients = 500
    clock[0] += 1
    for worker in workers:
        worker.balance.pause()
    first.clients = 100
    clock[0] += 1
    assert first.look()
    assert not second.look()


def test_what_nobody_else_takes_is_accepted_a_little_later(workers, clock):
    first, *_ = workers
    first.clients = 1600
    begin = clock[0]
    come([first], clock, 1000, 0)
    assert first.clients == 2600
    assert 0.01 < clock[0] - begin < 0.3


def test_one_that_has_ended_has_no_share(clock):
    loads = Loads(2)
    first, second = (Worker(loads, number, clock) for number in range(2))
    second.balance.pause()
    first.clients = 50
    assert not first.look()
    loads.forget(1)
    clock[0] += 1
    assert all(first.look() for _ in range(20))
