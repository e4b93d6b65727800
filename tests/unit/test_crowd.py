"""Many clients at once, whose handlers do everything to each other: nothing is lost, or left."""

from __future__ import annotations

import threading
from contextlib import suppress
from random import Random

import pytest

from sionamespace import Namespace
from sionamespace.application import Application
from sionamespace.engine.memory import MemoryLink
from sionamespace.errors import DeliveryError
from sionamespace.options import Options
from sionamespace.protocol import json as codec
from sionamespace.protocol.packet import Packet, PacketType
from sionamespace.types import Reason
from tests.unit.live import PATIENCE

THREADS = 6
PEOPLE = 5
OPERATIONS = 120
ROOMS = ["red", "green", "blue"]

pytestmark = pytest.mark.every_runtime


class Crowd(Namespace):
    """Handlers that emit, call, enter, leave, close, disconnect and spawn, as a seed says."""

    def __init__(self):
        self.connected, self.disconnected = [], []

    def on_connect(self, sid):
        self.connected.append(sid)
        self.enter_room(sid, "red")

    def on_disconnect(self, sid):
        self.disconnected.append((sid, bool(self.rooms(sid)), self.session(sid)))

    def on_work(self, sid, number):
        random = Random(number)
        for step in random.sample(self.steps, 3):
            self.attempt(step, sid, random)
        self.emit("mine", number, room=sid)
        return number

    async def on_work_async(self, sid, number):
        random = Random(number)
        with suppress(DeliveryError):
            await self.call("question", number, room=self.somebody(sid, random))
            await self.everyone.call_all("question", number)
        self.emit("mine", number, room=sid)
        return number

    def attempt(self, step, sid, random):
        with suppress(DeliveryError):  # the other has left, or this one
            step(self, sid, random)

    def somebody(self, sid, random):
        return random.choice([*self.members(), sid])

    def say(self, sid, random):
        self.emit("news", sid, room=random.choice([*ROOMS, self.somebody(sid, random)]))

    def ask(self, sid, random):
        self.call("question", 1, room=self.somebody(sid, random)).result()

    def ask_all(self, sid, random):
        self.to(random.choice(ROOMS)).call_all("question", 2).result()

    def enter(self, sid, random):
        self.enter_room(self.somebody(sid, random), random.choice(ROOMS))

    def leave(self, sid, random):
        self.leave_room(self.somebody(sid, random), random.choice(ROOMS))

    def close(self, sid, random):
        self.close_room(random.choice(ROOMS))

    def send_away(self, sid, random):
        if random.random() < 0.3:
            self.disconnect(self.somebody(sid, random), close=random.random() < 0.5)

    def go_on_elsewhere(self, sid, random):
        self.spawn(self.attempt, Crowd.say, sid, random)
        self.spawn(self.attempt, Crowd.ask, sid, random).result()

    def remember(self, sid, random):
        self.session(sid)["seen"] = random.random()

    steps = (say, ask, ask_all, enter, leave, close, send_away, go_on_elsewhere, remember)


class Person:
    """A client that answers whatever it is asked, and keeps what it hears."""

    def __init__(self, application, runtime):
        self.link = MemoryLink(self._hear, 10**9)
        self.answers, self.mine, self.asked = {}, [], []
        self.early = []
        self.joined = self.left = False
        self._runtime = runtime
        self._decoder = codec.Decoder(10, 10**6)
        runtime.post(self._arrive, application)

    def work(self, event, number):
        self.asked.append(number)
        self._runtime.post(self._say, Packet(PacketType.EVENT, "/", [event, number], number))

    def _arrive(self, application):
        self.link.receiver = application.accept(self.link, {})
        self._say(Packet(PacketType.CONNECT, "/"))

    def _say(self, packet):
        if packet.type is PacketType.EVENT and not self.joined:
            self.early.append(packet)
        elif self.there:
            self.link.receiver.receive(codec.encode(packet)[0])

    def _begin(self):
        self.joined = True
        for packet in self.early:
            self._say(packet)

    def _hear(self, message):
        packet = self._decoder.feed(message)
        if packet.type is PacketType.ACK:
            self.answers.setdefault(packet.id, []).append(packet.data)
        elif packet.type is PacketType.CONNECT:
            self._runtime.post(self._begin)
        elif packet.type is PacketType.DISCONNECT:
            self.left = True
        elif packet.type is PacketType.EVENT and packet.data[0] == "mine":
            self.mine.append(packet.data[1])
        elif packet.type is PacketType.EVENT and packet.id is not None:
            self._runtime.post(self._say, Packet(PacketType.ACK, "/", [True], packet.id))

    @property
    def there(self):
        return self.link.reason is None and not self.left


class Strict(Application):
    """One in which no handler may fail."""

    def __init__(self, *args):
        super().__init__(*args)
        self.errors = []

    def report_error(self, path, sid, event, error):
        self.errors.append(error)


def drive(seed, application, runtime, people):
    """What one thread does: let its clients ask for work, and new ones come for those who left."""
    random = Random(seed)
    present = [Person(application, runtime) for _ in range(PEOPLE)]
    people += present
    for number in range(seed, seed + OPERATIONS):
        place = random.randrange(PEOPLE)
        if not present[place].there:
            present[place] = Person(application, runtime)
            people.append(present[place])
        present[place].work(random.choice(["work", "work", "work_async"]), number)


def test_nothing_is_lost_and_nothing_left(runtime, caplog):
    crowd, people = Crowd(), []
    application = Strict({"/": crowd}, runtime, Options())
    threads = [
        threading.Thread(target=drive, args=(1000 * n, application, runtime, people), daemon=True)
        for n in range(1, THREADS + 1)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
        assert not thread.is_alive()
    runtime.settle()

    assert application.errors == []
    for person in people:
        assert all(answers == [[number]] for number, answers in person.answers.items())
        assert sorted(set(person.mine)) == sorted(person.mine)
        assert set(person.answers) <= set(person.mine)
        if person.there:  # else what it asked for last may have had no answer
            assert person.mine == person.asked
            assert list(person.answers) == person.asked
    assert len(set(crowd.connected)) == len(crowd.connected)

    for person in people:
        runtime.post(person.link.close, Reason.TRANSPORT_CLOSE)
    runtime.settle()
    assert sorted(sid for sid, _, _ in crowd.disconnected) == sorted(crowd.connected)
    assert all(rooms for _, rooms, _ in crowd.disconnected)
    assert application.idle
    mounted = application._mounted["/"]
    assert len(mounted.sessions) == 0
    assert {room for room in ROOMS if crowd.members(room)} == set()
    assert not application.rooms._namespaces["/"].members
    assert [record for record in caplog.records if "fault of" in record.getMessage()] == []
