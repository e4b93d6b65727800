"""What the URL of a broker may say, and that what is secret in it is never told."""

from __future__ import annotations

import sys

import pytest

from sionamespace.brokers import broker_of
from sionamespace.brokers.address import Address
from sionamespace.errors import ConfigurationError

SECRET = "s3cr3t"


def test_the_parts_of_a_url():
    address = Address.parse("x://me:p%40ss@a:1,[::1]:2,c/the%20path?k=v&empty=", 9)
    assert address.hosts == (("a", 1), ("::1", 2), ("c", 9))
    assert (address.username, address.password, address.path) == ("me", "p@ss", "the path")
    assert address.options == {"k": "v", "empty": ""}
    assert address.name == "x://a:1,[::1]:2,c:9/the path"
    assert Address.parse("x://", 9).name == "x://127.0.0.1:9"


@pytest.mark.parametrize(
    "url",
    [
        "redis://me:{}@host:6379/3",
        "rediss://:{}@host?ssl_cert_reqs=none",
        "valkey://me:{}@host",
        "redis+sentinel://me:{}@one,two:1/master/2?sentinel_password={}",
        "redis+cluster://me:{}@one:1,two:2",
        "redis+node://me:{}@host?key=ours",
        "redis+stream://me:{}@host/1?stream=s&maxlen=500",
        "nats://me:{}@one,two",
        "nats://{}@host",
        "amqps://me:{}@one,two:1/vhost",
        "postgresql://me:{}@one/database?sslmode=disable",
    ],
)
def test_a_name_has_no_secret(url):
    broker = broker_of(url.format(SECRET, SECRET))
    assert broker.name.startswith(url.partition("://")[0])
    assert SECRET not in broker.name + repr(broker) + str(vars(broker).get("_address"))


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("ftp://me:s3cr3t@host", "no broker for 'ftp'.*redis://.*nats://"),
        ("s3cr3t", "a URL without a scheme"),
        ("redis://me:s3cr3t/with#slash@host", "cannot be read.*%2F"),
        ("nats://me:s3cr3t@host:port", "cannot be read"),
        ("redis://me:s3cr3t@host/db", "redis://host:6379/db: .*'db'"),
        ("redis://me:s3cr3t@host?nonsense=1", "nonsense"),
        ("redis://me:s3cr3t@host?socket_timeout=soon", "socket_timeout"),
        ("redis+sentinel://me:s3cr3t@host/master/db", "'db'"),
        ("redis+sentinel://me:s3cr3t@host/master?nonsense=1", "nonsense"),
        ("redis+sentinel://me:s3cr3t@host", "the name of the master"),
        ("redis+cluster://me:s3cr3t@host/3", "'db' must be 0"),
        ("redis+cluster://me:s3cr3t@host?nonsense=1", "nonsense"),
        ("redis+stream://me:s3cr3t@host?maxlen=1", "maxlen is '1'; expected .* 100 or more"),
        ("redis+stream://me:s3cr3t@host?maxlen=all", "maxlen is 'all'"),
        ("nats://me:s3cr3t@host/path", "'path' is not known"),
        ("nats://me:s3cr3t@host?nonsense=1", "nonsense.* is not known; expected .* cafile"),
        ("nats+tls://me:s3cr3t@host?cafile=/nowhere", "No such file .*TLS"),
        ("amqp://me:s3cr3t@host?nonsense=1", "nonsense.* is not known; expected .* cafile"),
        ("amqps://me:s3cr3t@host?cafile=/nowhere", "No such file .*TLS"),
        ("postgresql://me:s3cr3t@host:port/", "cannot be read"),
    ],
)
def test_what_a_url_cannot_say_is_told_without_the_secret(url, said):
    with pytest.raises(ConfigurationError, match=said) as caught:
        broker_of(url)
    assert SECRET not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


@pytest.mark.parametrize(
    ("url", "package", "extra"),
    [
        ("redis://host", "redis", "redis"),
        ("redis+cluster://host", "redis", "redis"),
        ("redis+stream://host", "redis", "redis"),
        ("nats://host", "nats", "nats"),
        ("amqp://host", "aio_pika", "amqp"),
        ("postgresql://host", "asyncpg", "postgres"),
    ],
)
def test_a_missing_extra_is_told(url, package, extra, monkeypatch):
    for name in [name for name in sys.modules if name.split(".")[0] == package]:
        monkeypatch.delitem(sys.modules, name)
    for name in [name for name in sys.modules if name.startswith("sionamespace.brokers.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ConfigurationError, match=rf"pip install 'sionamespace\[{extra}\]'"):
        broker_of(url)
