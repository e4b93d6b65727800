from __future__ import annotations

import math

import attrs
import pytest

from sionamespace import ConfigurationError, Options

NUMBERS = [
    "ping_interval",
    "ping_timeout",
    "connect_timeout",
    "upgrade_timeout",
    "max_message_bytes",
    "max_attachments",
    "max_outbox_bytes",
    "max_namespaces",
]


def test_the_defaults_are_those_that_are_written_down():
    options = Options.parse({})
    assert {name: getattr(options, name) for name in NUMBERS} == {
        "ping_interval": 25,
        "ping_timeout": 20,
        "connect_timeout": 45,
        "upgrade_timeout": 10,
        "max_message_bytes": 1_000_000,
        "max_attachments": 10,
        "max_outbox_bytes": 1024 * 1024,
        "max_namespaces": 100,
    }
    assert options.async_mode is None
    assert options.transports == ("polling", "websocket")


def test_an_option_is_taken_by_its_name():
    assert Options.parse({"ping_interval": 0.5, "cookie": "io"}) == Options(
        ping_interval=0.5, cookie="io"
    )


def test_options_do_not_change():
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        Options().ping_interval = 1


@pytest.mark.parametrize("name", NUMBERS)
@pytest.mark.parametrize("value", [0, -1, "25", None, True, math.nan], ids=repr)
def test_a_limit_is_a_number_above_zero(name, value):
    with pytest.raises(ConfigurationError, match=f"{name}=.*expected a number above 0"):
        Options.parse({name: value})


@pytest.mark.parametrize(
    ("given", "taken"),
    [
        ("polling", ("polling",)),
        (["websocket"], ("websocket",)),
        (("websocket", "polling"), ("websocket", "polling")),
    ],
)
def test_transports_are_one_or_several(given, taken):
    assert Options.parse({"transports": given}).transports == taken


@pytest.mark.parametrize("value", [[], "pigeon", ["polling", "pigeon"], "", None, 5, [["polling"]]])
def test_other_transports_are_an_error_that_says_which_there_are(value):
    with pytest.raises(ConfigurationError, match="expected 'polling', 'websocket'"):
        Options.parse({"transports": value})


class TestUnknown:
    def test_a_slip_of_the_pen_is_put_right(self):
        with pytest.raises(ConfigurationError, match=r"no option 'ping_intervall'.*ping_interval"):
            Options.parse({"ping_intervall": 5})

    @pytest.mark.parametrize(
        ("name", "hint"),
        [
            ("max_http_buffer_size", "max_message_bytes"),
            ("client_manager", "rooms="),
            ("async_handlers", "concurrent=True"),
            ("logger", "logging.getLogger"),
            ("namespaces", "first argument"),
            ("message_queue", "rooms="),
            ("path", r"server\.wsgi\(app, path="),
            ("cors", "cors_allowed_origins"),
            ("pingInterval", "ping_interval"),
        ],
    )
    def test_what_others_call_otherwise_is_named(self, name, hint):
        with pytest.raises(ConfigurationError, match=f"no option '{name}'.*{hint}"):
            Options.parse({name: 1})

    def test_anything_else_gets_the_list(self):
        with pytest.raises(ConfigurationError, match=r"there are: async_mode, .*cookie"):
            Options.parse({"zzz": 1})


@pytest.mark.parametrize(
    "name", ["legacy_clients", "allow_upgrades", "cors_credentials", "http_compression"]
)
@pytest.mark.parametrize("value", ["no", "false", 0, None])
def test_what_is_on_or_off_is_true_or_false(name, value):
    with pytest.raises(ConfigurationError, match=f"{name}=.*expected True or False"):
        Options.parse({name: value})


@pytest.mark.parametrize("value", [-1, "1024", None, True])
def test_responses_are_compressed_from_so_many_bytes_on(value):
    assert Options.parse({"compression_threshold": 0}).compression_threshold == 0
    with pytest.raises(ConfigurationError, match=r"compression_threshold=.*a number, 0 or more"):
        Options.parse({"compression_threshold": value})


@pytest.mark.parametrize("value", [True, 5, ["io"]])
def test_a_cookie_is_a_name_or_attributes(value):
    with pytest.raises(ConfigurationError, match=r"cookie=.*expected the name of a cookie"):
        Options.parse({"cookie": value})


def test_a_serializer_is_one_that_there_is():
    assert Options.parse({"serializer": "msgpack"}).serializer == "msgpack"
    for value in ("pickle", "default", None, ["json"]):
        with pytest.raises(ConfigurationError, match="expected 'json' or 'msgpack'"):
            Options.parse({"serializer": value})
    with pytest.raises(ConfigurationError, match="called serializer here"):
        Options.parse({"parser": "msgpack"})


@pytest.mark.parametrize(
    ("given", "taken"),
    [
        (None, ()),
        ([], ()),
        ("127.0.0.1", ("127.0.0.1",)),
        (["10.0.0.0/8", "::1", "unix"], ("10.0.0.0/8", "::1", "unix")),
        (2, 2),
    ],
)
def test_proxies_are_addresses_networks_or_so_many(given, taken):
    assert Options.parse({"trusted_proxies": given}).trusted_proxies == taken


@pytest.mark.parametrize("value", ["*", ["*"], "nginx", ["10.0.0.1/8"], 0, -1, True, 1.5, [1]])
def test_other_proxies_are_an_error_that_says_what_to_write(value):
    with pytest.raises(ConfigurationError, match="expected addresses or networks of proxies"):
        Options.parse({"trusted_proxies": value})


@pytest.mark.parametrize(
    ("given", "taken"), [(None, None), (False, None), (True, 1024), (1, 1), (500, 500)]
)
def test_messages_are_compressed_from_so_many_bytes_on(given, taken):
    assert Options.parse({"per_message_deflate": given}).per_message_deflate == taken


@pytest.mark.parametrize("value", [0, -1, "yes", 1.5, {"threshold": 1024}])
def test_another_threshold_is_an_error(value):
    with pytest.raises(ConfigurationError, match=r"per_message_deflate=.*expected True, False"):
        Options.parse({"per_message_deflate": value})
