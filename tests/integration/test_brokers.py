"""Each broker against its real server."""

from __future__ import annotations

import asyncio
import secrets
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from child import HERE, PATIENCE, Child
from engines import (
    ClusterServers,
    Engine,
    NatsServer,
    PostgresServer,
    RabbitServer,
    RedisServer,
    SentinelServers,
    ValkeyServer,
)
from redis import Redis

from sionamespace.brokers import broker_of
from sionamespace.ports import Broker
from sionamespace.testing.broker_contract import BrokerContract

SOON = 15.0
"""Seconds within which a broker notices that its server is gone: `SILENCE`, and some."""


class RealServer(BrokerContract):
    """The contract, and what comes of a server that goes away."""

    engine: Engine
    query = ""
    patience = 30.0

    def make(self) -> Broker:
        return broker_of(self.engine.url + self.query)

    @classmethod
    def new_engine(cls) -> Engine:
        raise NotImplementedError

    @classmethod
    def setup_class(cls) -> None:
        cls.engine = cls.new_engine()
        try:
            cls.engine.start()
        except BaseException:
            cls.engine.end()
            raise

    @classmethod
    def teardown_class(cls) -> None:
        cls.engine.end()

    def test_a_message_may_be_large(self) -> None:
        async def test(one: Side, two: Side) -> None:
            message = secrets.token_bytes(2**20 + 1)
            await two.broker.subscribe(["large"])
            for _ in range(3):
                await one.broker.publish([("large", message), ("large", b"small")])
                assert await two.next() == ("large", message)
                assert await two.next() == ("large", b"small")

        self.between(test)

    def test_whoever_uses_it_is_told_once_that_the_server_is_gone(self) -> None:
        async def test(one: Side, two: Side) -> None:
            await one.broker.subscribe(["a"])
            self.engine.kill()
            await asyncio.gather(one.lost.wait(), two.lost.wait())
            for side in (one, two):
                with pytest.raises(Exception):  # noqa: B017, PT011 # the library's own
                    await side.broker.publish([("a", b"1")])
                with pytest.raises(Exception):  # noqa: B017, PT011
                    await side.broker.open(side.take, side.lose)
                await side.broker.close()
                assert len(side.errors) == 1

        try:
            self.between(test)
        finally:
            self.engine.start()

    def test_the_same_broker_opens_anew_when_the_server_is_back(self) -> None:
        async def test(one: Side, two: Side) -> None:
            await two.broker.subscribe(["a"])
            self.engine.kill()
            await asyncio.gather(one.lost.wait(), two.lost.wait())
            self.engine.start()
            for side in (two, one):
                await side.broker.close()
                await side.broker.open(side.take, side.lose)
            await two.broker.subscribe(["a"])
            await one.broker.publish([("a", b"again")])
            assert await two.next() == ("a", b"again")

        self.between(test)

    @pytest.mark.parametrize("mode", ["threads", "eventlet", "gevent"])
    def test_a_process_that_is_monkey_patched_reaches_it_by_its_name(self, mode: str) -> None:
        url = self.engine.url.replace("127.0.0.1", "localhost") + self.query
        process = Child(sys.executable, "patched.py", mode, url)
        try:
            process.wait_for("^taken$")
        finally:
            process.process.wait(PATIENCE)
            assert process.end() == 0, process.text()

    def test_a_server_that_hangs_is_noticed(self) -> None:
        async def test(one: Side, two: Side) -> None:
            await two.broker.subscribe(["a"])
            self.engine.pause()
            publishing = asyncio.ensure_future(one.broker.publish([("a", b"1")]))
            with pytest.raises(Exception):  # noqa: B017, PT011
                await asyncio.wait_for(self.make().open(one.take, one.lose), SOON)
            with pytest.raises(Exception):  # noqa: B017, PT011
                await asyncio.wait_for(publishing, SOON)
            await asyncio.wait_for(two.lost.wait(), SOON)

        try:
            self.between(test)
        finally:
            self.engine.resume()

    def between(self, test: Callable[[Side, Side], Awaitable[None]]) -> None:
        between(self.make, test)


class Side:
    """A broker, and what it said."""

    def __init__(self, broker: Broker) -> None:
        self.broker = broker
        self.lost = asyncio.Event()
        self.errors: list[Exception] = []
        self._came: asyncio.Queue[tuple[str, bytes]] = asyncio.Queue()

    async def open_when_it_can(self, *channels: str) -> None:
        """Try until it can, as the cluster does."""
        deadline = time.monotonic() + SOON
        while True:
            try:
                await self.broker.open(self.take, self.lose)
                return await self.broker.subscribe(channels)
            except Exception:
                if time.monotonic() > deadline:
                    raise
                await asyncio.sleep(0.1)

    def take(self, channel: str, message: bytes) -> None:
        self._came.put_nowait((channel, message))

    def lose(self, error: Exception) -> None:
        self.errors.append(error)
        self.lost.set()

    async def next(self) -> tuple[str, bytes]:
        return await asyncio.wait_for(self._came.get(), SOON)


def between(make: Callable[[], Broker], test: Callable[[Side, Side], Awaitable[None]]) -> None:
    """Run a test with two open brokers."""

    async def run() -> None:
        sides = [Side(make()) for _ in range(2)]
        try:
            for side in sides:
                await side.broker.open(side.take, side.lose)
            await asyncio.wait_for(test(*sides), 3 * SOON)
        finally:
            for side in sides:
                await side.broker.close()

    asyncio.run(run())


class TestRedis(RealServer):
    server = RedisServer

    @classmethod
    def new_engine(cls) -> Engine:
        return cls.server()


class TestValkey(TestRedis):
    server = ValkeyServer


class TestStreams(RealServer):
    server = RedisServer

    @classmethod
    def new_engine(cls) -> Engine:
        # With "everysec" it may answer before it has written, and lose that when it is killed.
        options = ("--appendonly", "yes", "--appendfsync", "always")
        return cls.server(*options, kind="+stream")

    def test_what_was_sent_while_the_connection_was_away_comes(self) -> None:
        async def test(one: Side, two: Side) -> None:
            await two.broker.subscribe(["a"])
            await one.broker.publish([("a", b"1")])
            assert await two.next() == ("a", b"1")
            await two.broker.close()
            await one.broker.publish([("a", b"2")])
            self.engine.kill()
            self.engine.start()
            await one.broker.open(one.take, one.lose)
            await one.broker.publish([("a", b"3")])
            await two.open_when_it_can("a")
            assert [await two.next(), await two.next()] == [("a", b"2"), ("a", b"3")]
            assert two.broker.gaps == 0

        self.between(test)

    @pytest.mark.parametrize("connected", [True, False])
    def test_what_was_trimmed_before_it_was_read_is_said(
        self, connected: bool, caplog: pytest.LogCaptureFixture
    ) -> None:
        async def test(one: Side, two: Side) -> None:
            await one.broker.close()
            await two.broker.subscribe(["a"])
            if not connected:
                await two.broker.close()
            flood = [("a", b"%d" % n) for n in range(1000)]
            client = Redis.from_url(f"redis://127.0.0.1:{self.engine.port}")
            with client:  # it appends while the loop, and so the reader, stands still
                for channel, message in flood:
                    client.xadd("short", {"c": channel, "m": message}, maxlen=100)
            if not connected:
                await two.open_when_it_can("a")
            while await two.next() != flood[-1]:
                pass
            assert two.broker.gaps == 1

        self.query = "?stream=short&maxlen=100"
        self.between(test)
        assert "raise maxlen=100" in caplog.text

    def test_a_stream_that_was_lost_with_its_server_is_said(self) -> None:
        async def test(one: Side, two: Side) -> None:
            await two.broker.subscribe(["a"])
            with Redis.from_url(f"redis://127.0.0.1:{self.engine.port}") as client:
                client.xadd("gone", {"c": "a", "m": "by a clock ahead"}, id="9999999999999-0")
                assert await two.next() == ("a", b"by a clock ahead")
                await two.broker.close()
                client.delete("gone")
            await one.broker.publish([("a", b"by another clock")])
            await two.open_when_it_can("a")
            assert two.broker.gaps == 1
            assert await two.next() == ("a", b"by another clock")

        self.query = "?stream=gone"
        self.between(test)


class TestValkeyStreams(TestStreams):
    server = ValkeyServer


class TestSentinel(RealServer):
    server = RedisServer

    @classmethod
    def new_engine(cls) -> Engine:
        return SentinelServers(server=cls.server)


class TestValkeySentinel(TestSentinel):
    server = ValkeyServer


def test_it_goes_on_by_the_server_that_sentinels_made_the_master() -> None:
    async def test(one: Side, two: Side) -> None:
        engine.master.kill()
        await asyncio.gather(one.lost.wait(), two.lost.wait())
        await two.open_when_it_can("a")
        await one.open_when_it_can()
        await one.broker.publish([("a", b"again")])
        assert await two.next() == ("a", b"again")

    engine = SentinelServers()
    try:
        engine.start()
        between(lambda: broker_of(engine.url), test)
    finally:
        engine.end()


class TestRedisCluster(RealServer):
    server = RedisServer

    @classmethod
    def new_engine(cls) -> Engine:
        return ClusterServers(server=cls.server)

    def test_what_one_sends_comes_in_order(self) -> None:
        """Here for each channel by itself: they are on different servers."""

        async def test(one: Side, two: Side) -> None:
            channels = "abcdef"
            await two.broker.subscribe(channels)
            await one.broker.publish([(channels[n % 6], b"%d" % n) for n in range(300)])
            came = [await two.next() for _ in range(300)]
            for number, channel in enumerate(channels):
                own = [message for to, message in came if to == channel]
                assert own == [b"%d" % n for n in range(number, 300, 6)]

        self.between(test)

    def test_channels_that_move_to_another_server_are_noticed(self) -> None:
        async def test(one: Side, two: Side) -> None:
            await two.broker.subscribe(["a"])
            slot = self.engine.servers[0].ask("CLUSTER", "KEYSLOT", "a")
            [home] = [each for each in self.engine.servers if each.ask("PUBSUB", "SHARDCHANNELS")]
            to = next(each for each in self.engine.servers if each is not home)
            for server in (to, home):
                server.ask("CLUSTER", "SETSLOT", slot, "NODE", to.ask("CLUSTER", "MYID"))
            await two.lost.wait()
            await two.open_when_it_can("a")
            await one.broker.publish([("a", b"moved")])
            assert await two.next() == ("a", b"moved")

        self.between(test)


class TestValkeyCluster(TestRedisCluster):
    server = ValkeyServer


class TestNats(RealServer):
    @classmethod
    def new_engine(cls) -> Engine:
        return NatsServer()


class TestRabbit(RealServer):
    @classmethod
    def new_engine(cls) -> Engine:
        return RabbitServer()


class TestPostgres(RealServer):
    @classmethod
    def new_engine(cls) -> Engine:
        return PostgresServer()


@pytest.mark.parametrize(
    ("engine", "rights"),
    [
        (RedisServer, "&sionamespace* +ping +subscribe +unsubscribe +publish"),
        (
            lambda: RedisServer(kind="+stream"),
            "~sionamespace +ping +xadd +xread +xrange",
        ),
        (
            ClusterServers,
            "&sionamespace* +ping +ssubscribe +sunsubscribe +spublish +cluster|slots +command",
        ),
    ],
    ids=["redis", "streams", "cluster"],
)
def test_the_rights_that_the_guide_names_are_enough(
    engine: Callable[[], Engine], rights: str
) -> None:
    async def test(one: Side, two: Side) -> None:
        await two.broker.subscribe(["sionamespace#/#a"])
        await one.broker.publish([("sionamespace#/#a", b"1")])
        assert await two.next() == ("sionamespace#/#a", b"1")
        await two.broker.unsubscribe(["sionamespace#/#a"])

    assert f"`{rights}`" in (HERE.parents[1] / "docs" / "brokers.md").read_text()
    server = engine()
    try:
        server.start()
        for each in getattr(server, "servers", [server]):
            each.ask("ACL", "SETUSER", "app", "on", ">pw", "resetchannels", *rights.split())
        between(lambda: broker_of(server.url.replace("//", "//app:pw@", 1)), test)
    finally:
        server.end()


def secure_redis(files: dict[str, str]) -> tuple[Engine, str]:
    """One that speaks TLS only, to who knows the password."""
    engine = RedisServer()
    engine._options = (
        *("--port", "0", "--tls-port", str(engine.port), "--tls-auth-clients", "no"),
        *("--tls-cert-file", files["certificate"], "--tls-key-file", files["key"]),
        *("--tls-ca-cert-file", files["authority"], "--requirepass", "right"),
    )
    return engine, f"rediss://:{{}}@127.0.0.1:{engine.port}?ssl_ca_certs={{}}"


def secure_nats(files: dict[str, str]) -> tuple[Engine, str]:
    tls = ("--tls", "--tlscert", files["certificate"], "--tlskey", files["key"])
    engine = NatsServer(*tls, "--user", "me", "--pass", "right")
    return engine, f"nats+tls://me:{{}}@127.0.0.1:{engine.port}?cafile={{}}"


def secure_rabbit(files: dict[str, str]) -> tuple[Engine, str]:
    engine = RabbitServer()
    engine.settings = [
        *("listeners.tcp = none", f"listeners.ssl.default = 127.0.0.1:{engine.port}"),
        *(
            f"ssl_options.certfile = {files['certificate']}",
            f"ssl_options.keyfile = {files['key']}",
        ),
        *(f"ssl_options.cacertfile = {files['authority']}", "default_pass = right"),
    ]
    return engine, f"amqps://guest:{{}}@127.0.0.1:{engine.port}?cafile={{}}"


def secure_postgres(files: dict[str, str]) -> tuple[Engine, str]:
    engine = PostgresServer("right")
    engine.take_only_tls(files["certificate"], files["key"])
    where = f"127.0.0.1:{engine.port}/postgres"
    return engine, f"postgresql://postgres:{{}}@{where}?sslmode=verify-full&sslrootcert={{}}"


@pytest.mark.parametrize("secure", [secure_redis, secure_nats, secure_rabbit, secure_postgres])
def test_tls_and_passwords(
    secure: Callable[[dict[str, str]], tuple[Engine, str]],
    certificate: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def test(one: Side, two: Side) -> None:
        await two.broker.subscribe(["a"])
        await one.broker.publish([("a", b"1")])
        assert await two.next() == ("a", b"1")

    async def refused(url: str) -> str:
        with pytest.raises(Exception) as caught:  # noqa: PT011 # the library's own
            await broker_of(url).open(lambda *_: None, lambda _: None)
        return f"{caught.value!r} {caught.value.__cause__!r} {caught.value.__context__!r}"

    names = ("certificate", "key", "authority")
    files = {name: str(certificate / f"{name}.pem") for name in names}
    engine, url = secure(files)
    try:
        engine.start()
        between(lambda: broker_of(url.format("right", files["authority"])), test)
        said = asyncio.run(refused(url.format("s3cr3t", files["authority"])))
        said += asyncio.run(refused(url.format("right", files["certificate"])))
    finally:
        engine.end()
    assert "s3cr3t" not in said + caplog.text
    assert "certificate" in said.lower()
