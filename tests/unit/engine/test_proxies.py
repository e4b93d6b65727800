"""The option ``trusted_proxies``: whose X-Forwarded headers are believed."""

from __future__ import annotations

import pytest

from sionamespace.engine.proxies import Proxies

HEADERS = {"for": "FOR", "proto": "PROTO", "host": "HOST"}


def environ(peer, **forwarded):
    said = {f"HTTP_X_FORWARDED_{HEADERS[name]}": value for name, value in forwarded.items()}
    return {
        "REMOTE_ADDR": peer,
        "REMOTE_PORT": "1234",
        "HTTP_HOST": "inside:5000",
        "wsgi.url_scheme": "http",
        **said,
    }


def seen(trusted, peer, **forwarded):
    found = Proxies(trusted).see_through(environ(peer, **forwarded))
    return found["REMOTE_ADDR"], found["wsgi.url_scheme"], found["HTTP_HOST"]


class TestAddress:
    @pytest.mark.parametrize(
        ("trusted", "peer", "forwarded", "client"),
        [
            # Nobody is believed who is not named.
            (["127.0.0.1"], "10.0.0.1", "6.6.6.6", "10.0.0.1"),
            (["127.0.0.1"], "127.0.0.2", "6.6.6.6", "127.0.0.2"),
            (["127.0.0.1"], "", "6.6.6.6", ""),
            (["unix"], "127.0.0.1", "6.6.6.6", "127.0.0.1"),
            # One proxy: the last address is the one that it saw.
            (["127.0.0.1"], "127.0.0.1", "1.2.3.4", "1.2.3.4"),
            (["127.0.0.1"], "127.0.0.1", "6.6.6.6, 1.2.3.4", "1.2.3.4"),
            (["127.0.0.1"], "127.0.0.1", "127.0.0.1,6.6.6.6,1.2.3.4", "1.2.3.4"),
            # Several: as far as they are named.
            (["127.0.0.1", "10.0.0.0/8"], "127.0.0.1", "6.6.6.6, 1.2.3.4, 10.9.9.9", "1.2.3.4"),
            (["10.0.0.0/8"], "10.0.0.1", "10.0.0.3, 10.0.0.2", "10.0.0.3"),
            # Other ways to write an address.
            (["::1"], "::1", "2001:db8::1", "2001:db8::1"),
            (["127.0.0.1"], "::ffff:127.0.0.1", "1.2.3.4", "1.2.3.4"),
            (["127.0.0.1"], "127.0.0.1", "1.2.3.4:5678", "1.2.3.4"),
            (["127.0.0.1"], "127.0.0.1", "[2001:db8::1]:5678", "2001:db8::1"),
            (["fd00::/8"], "fd00::2", "::ffff:1.2.3.4", "1.2.3.4"),
            # A Unix socket, as the web servers tell it.
            (["unix"], "", "1.2.3.4", "1.2.3.4"),
            (["unix"], "unix", "1.2.3.4", "1.2.3.4"),
            (["unix", "10.0.0.1"], "", "6.6.6.6, 1.2.3.4, 10.0.0.1", "1.2.3.4"),
            # So many, whatever their addresses.
            (1, "9.9.9.9", "6.6.6.6, 1.2.3.4", "1.2.3.4"),
            (2, "9.9.9.9", "6.6.6.6, 1.2.3.4, 8.8.8.8", "1.2.3.4"),
            (1, "", "1.2.3.4", "1.2.3.4"),
            (3, "9.9.9.9", "1.2.3.4", "1.2.3.4"),
            # What is no address says nothing.
            (["127.0.0.1"], "127.0.0.1", "", "127.0.0.1"),
            (["127.0.0.1"], "127.0.0.1", "unknown", "127.0.0.1"),
            (["127.0.0.1"], "127.0.0.1", "1.2.3.4, _hidden", "127.0.0.1"),
            (["127.0.0.1", "10.0.0.1"], "127.0.0.1", "' OR 1=1, 10.0.0.1", "10.0.0.1"),
            (["127.0.0.1"], "127.0.0.1", ",,", "127.0.0.1"),
            (["127.0.0.1"], "127.0.0.1", "1.2.3.4.5", "127.0.0.1"),
            (["127.0.0.1"], "127.0.0.1", "[", "127.0.0.1"),
        ],
    )
    def test_it_is_the_first_that_no_proxy_has(self, trusted, peer, forwarded, client):
        assert seen(trusted, peer, **{"for": forwarded})[0] == client

    def test_the_port_is_not_the_proxys(self):
        assert "REMOTE_PORT" not in Proxies(1).see_through(environ("::1", **{"for": "1.2.3.4"}))

    def test_from_a_stranger_nothing_is_changed(self):
        request = environ("9.9.9.9", **{"for": "1.2.3.4"}, proto="https", host="evil.example")
        assert Proxies(["127.0.0.1"]).see_through(request) is request


class TestSchemeAndHost:
    def test_they_are_those_that_the_proxy_saw(self):
        got = seen(1, "::1", **{"for": "1.2.3.4"}, proto="https", host="example.com")
        assert got == ("1.2.3.4", "https", "example.com")

    def test_they_stay_as_they_are_if_it_does_not_say(self):
        assert seen(1, "::1", **{"for": "1.2.3.4"}) == ("1.2.3.4", "http", "inside:5000")
        assert seen(1, "::1", proto="", host="") == ("::1", "http", "inside:5000")

    @pytest.mark.parametrize(
        ("said", "scheme"),
        [("wss", "https"), ("HTTPS", "https"), ("ws", "http"), ("ftp", "http"), ("x y", "http")],
    )
    def test_a_scheme_is_one_of_the_webs(self, said, scheme):
        assert seen(1, "::1", proto=said)[1] == scheme

    def test_where_each_proxy_adds_its_own_only_what_they_wrote_counts(self):
        addresses = "6.6.6.6, 1.2.3.4, 10.0.0.9"
        more = {"proto": "http, https, http", "host": "evil.example, example.com, inner"}
        trusted = ["127.0.0.1", "10.0.0.0/8"]
        got = seen(trusted, "127.0.0.1", **{"for": addresses}, **more)
        assert got == ("1.2.3.4", "https", "example.com")
        got = seen(["127.0.0.1"], "127.0.0.1", **{"for": addresses}, **more)
        assert got == ("10.0.0.9", "http", "inner")

    def test_one_value_is_that_of_a_proxy_that_passed_it_on(self):
        got = seen(2, "::1", **{"for": "1.2.3.4, 8.8.8.8"}, proto="https", host="example.com")
        assert got == ("1.2.3.4", "https", "example.com")


FORGED = {
    "HTTP_X_FORWARDED_FOR": "6.6.6.6",
    "HTTP_X_FORWARDED_PROTO": "https",
    "HTTP_X_FORWARDED_HOST": "example.com",
    "REMOTE_ADDR": "127.0.0.1",
}


class TestServer:
    def accepted(self, site, reply):
        assert reply.status == 200
        (receiver,) = site.receivers.values()
        return receiver.environ

    def test_without_the_option_what_a_client_says_is_ignored(self, make, caplog):
        site = make()
        assert self.accepted(site, site.handshake(**FORGED))["REMOTE_ADDR"] == "127.0.0.1"
        reply = site.handshake(**FORGED, HTTP_ORIGIN="https://example.com")
        assert reply.fault == (403, {"code": 4, "message": "Forbidden"})
        assert "if 127.0.0.1 is your own proxy: Server(..., trusted_proxies=['127.0.0.1'])" in (
            caplog.text
        )

    def test_with_it_a_page_of_the_servers_own_origin_may_connect(self, make):
        site = make(trusted_proxies=["127.0.0.1"])
        reply = site.handshake(**FORGED, HTTP_ORIGIN="https://example.com")
        accepted = self.accepted(site, reply)
        assert accepted["REMOTE_ADDR"] == "6.6.6.6"
        assert accepted["wsgi.url_scheme"] == "https"
        assert accepted["HTTP_HOST"] == "example.com"
        assert reply.headers["Access-Control-Allow-Origin"] == "https://example.com"

    @pytest.mark.parametrize("origin", ["http://testserver", "https://evil.example", "null"])
    def test_and_no_other(self, make, origin):
        site = make(trusted_proxies=["127.0.0.1"])
        reply = site.handshake(**FORGED, HTTP_ORIGIN=origin)
        assert reply.fault[0] == 403
        assert "Access-Control-Allow-Origin" not in reply.headers

    def test_a_stranger_is_not_believed_with_it_either(self, make):
        site = make(trusted_proxies=["127.0.0.1"])
        stranger = {**FORGED, "REMOTE_ADDR": "9.9.9.9"}
        assert site.handshake(**stranger, HTTP_ORIGIN="https://example.com").status == 403
        assert self.accepted(site, site.handshake(**stranger))["REMOTE_ADDR"] == "9.9.9.9"

    def test_an_origins_function_sees_what_the_proxy_sent(self, make):
        asked = []

        def allowed(origin, environ):
            asked.append((origin, environ["HTTP_X_FORWARDED_FOR"], environ["REMOTE_ADDR"]))
            return True

        site = make(cors_allowed_origins=allowed, trusted_proxies=1)
        assert site.handshake(**FORGED, HTTP_ORIGIN="http://any.example").status == 200
        assert asked[0] == ("http://any.example", "6.6.6.6", "6.6.6.6")
