from __future__ import annotations

import pytest

from sionamespace.engine.cookie import SessionCookie
from sionamespace.errors import ConfigurationError
from sionamespace.protocol.engineio import Parcel
from tests.unit.engine.test_legacy import TEXT


def written(option):
    name, value = SessionCookie(option).header("SID")
    assert name == "Set-Cookie"
    return value


class TestSetting:
    def test_without_the_option_there_is_none(self, make):
        assert "Set-Cookie" not in make().handshake().headers

    def test_it_is_set_once_with_the_id_of_the_session(self, make):
        site = make(cookie="io")
        cookie = site.handshake().headers["Set-Cookie"]
        (sid,) = site.receivers
        assert cookie == f"io={sid}; Path=/; HttpOnly; SameSite=Lax"
        site.link(sid).send(Parcel("4a"))
        assert "Set-Cookie" not in site.poll(sid).headers

    def test_old_clients_get_one_too(self, make):
        site = make(cookie="io")
        cookie = site.request("GET", TEXT).headers["Set-Cookie"]
        assert cookie.startswith(f"io={next(iter(site.receivers))};")

    def test_a_refusal_sets_none(self, make):
        assert "Set-Cookie" not in make(cookie="io").request("GET", "EIO=4").headers


class TestAttributes:
    @pytest.mark.parametrize(
        ("attributes", "expected"),
        [
            ({}, "io=SID; Path=/; HttpOnly; SameSite=Lax"),
            ({"name": "sticky"}, "sticky=SID; Path=/; HttpOnly; SameSite=Lax"),
            (
                {"name": "a", "path": "/chat", "Secure": True, "SameSite": "None"},
                "a=SID; Path=/chat; HttpOnly; SameSite=None; Secure",
            ),
            (
                {"httpOnly": False, "sameSite": None, "path": None, "maxAge": 3600},
                "io=SID; Max-Age=3600",
            ),
            (
                {"domain": "a.example", "max_age": 0, "Partitioned": True},
                "io=SID; Path=/; HttpOnly; SameSite=Lax; Domain=a.example; Max-Age=0; Partitioned",
            ),
            ({"Secure": False}, "io=SID; Path=/; HttpOnly; SameSite=Lax"),
        ],
    )
    def test_can_be_chosen_and_left_out(self, attributes, expected):
        assert written(attributes) == expected

    def test_that_are_functions_are_asked_for_each_cookie(self):
        ages = iter([10, 20])
        cookie = SessionCookie({"Max-Age": lambda: next(ages), "Path": None})
        assert [cookie.header("SID")[1][-10:] for _ in range(2)] == ["Max-Age=10", "Max-Age=20"]

    @pytest.mark.parametrize(
        ("attributes", "problem"),
        [
            ({"Colour": "red"}, "a cookie has no attribute 'Colour'"),
            ({"name": "a b"}, "'a b' is no name of a cookie"),
            ({"name": ""}, "no name of a cookie"),
            ({"name": 5}, "5 is no name of a cookie"),
            ({"path": "/; Domain=evil.example"}, "cannot be written"),
            ({"path": "/\r\nX: y"}, "cannot be written"),
            ({"path": "/ü"}, "cannot be written"),
            ({"max-age": 1.5}, "cannot be written"),
            ({"SameSite": "None"}, "add Secure=True"),
        ],
    )
    def test_that_cannot_be_are_errors(self, make, attributes, problem):
        with pytest.raises(ConfigurationError, match=problem):
            make(cookie=attributes)
