from __future__ import annotations

import pytest

from sionamespace.errors import ConfigurationError
from tests.unit.engine.site import WEBSOCKET
from tests.unit.engine.test_legacy import ONLY_BINARY, TEXT

PAGE = "https://example.com"
FORBIDDEN = 403, {"code": 4, "message": "Forbidden"}


def allows(site, origin, **environ):
    """Whether a page may connect; either way the answer is the right one."""
    reply = site.handshake(HTTP_ORIGIN=origin, **environ)
    if reply.status == 200:
        assert reply.headers["Access-Control-Allow-Origin"] == origin
        return True
    assert reply.fault == FORBIDDEN
    assert "Access-Control-Allow-Origin" not in reply.headers
    return False


class TestTheServersOwn:
    def test_pages_are_the_only_ones_by_default(self, site):
        assert allows(site, "http://testserver")
        assert not allows(site, PAGE)
        assert len(site.server.sockets) == 1

    @pytest.mark.parametrize(
        "origin", ["https://testserver", "http://testserver:8080", "http://testserver.evil.example"]
    )
    def test_scheme_host_and_port_are_all_of_them_its_own(self, site, origin):
        assert not allows(site, origin)

    @pytest.mark.parametrize("host", ["testserver:80", "TestServer"])
    def test_the_usual_port_is_as_none_and_case_does_not_matter(self, site, host):
        assert allows(site, "http://testserver", HTTP_HOST=host)

    def test_the_usual_port_is_that_of_the_scheme(self, site):
        secure = {"wsgi.url_scheme": "https", "HTTP_HOST": "testserver:443"}
        assert allows(site, "https://testserver", **secure)
        assert not allows(site, "http://testserver", HTTP_HOST="testserver:443")


class TestOthers:
    @pytest.mark.parametrize(
        "allowed",
        [
            PAGE,
            "https://example.com/",
            "HTTPS://Example.COM:443",
            ["https://other.example", PAGE],
            "*",
            ["*"],
            lambda origin: origin.endswith("example.com"),
            lambda origin, environ: environ["HTTP_HOST"] == "testserver",
            lambda *both: len(both) == 2,
            {PAGE: 1}.__contains__,
        ],
        ids=["one", "slash", "case", "several", "all", "star", "function", "both", "any", "c"],
    )
    def test_that_are_allowed_may(self, make, allowed):
        assert allows(make(cors_allowed_origins=allowed), PAGE)

    @pytest.mark.parametrize(
        "allowed",
        [
            "https://example.co",
            "http://example.com",
            "https://example.com:444",
            ["https://example.com.evil.example"],
            lambda origin: False,
            lambda origin: None,
        ],
    )
    def test_that_are_not_may_not(self, make, allowed):
        site = make(cors_allowed_origins=allowed)
        assert not allows(site, PAGE)
        assert site.server.sockets == {}

    def test_a_list_is_all_there_is(self, make):
        assert not allows(make(cors_allowed_origins=[PAGE]), "http://testserver")

    def test_no_origin_is_no_page(self, make):
        reply = make(cors_allowed_origins=PAGE).handshake()
        assert reply.status == 200
        assert "Access-Control-Allow-Origin" not in reply.headers

    @pytest.mark.parametrize(
        ("allowed", "may"), [(None, False), (PAGE, False), ("*", True), ([PAGE, "null"], True)]
    )
    def test_a_page_that_hides_its_origin_is_a_stranger(self, make, allowed, may):
        assert allows(make(cors_allowed_origins=allowed), "null") is may

    def test_an_empty_list_leaves_origins_to_somebody_else(self, make):
        reply = make(cors_allowed_origins=[]).handshake(HTTP_ORIGIN=PAGE)
        assert reply.status == 200
        assert not {"Access-Control-Allow-Origin", "Vary"} & set(reply.headers)

    def test_a_session_is_no_use_to_a_page_that_may_not(self, site):
        sid = site.open()
        assert site.post(sid, "4stolen", HTTP_ORIGIN=PAGE).fault == FORBIDDEN
        assert site.receivers[sid].messages == []

    def test_a_websocket_is_refused_before_it_opens(self, site):
        query = "EIO=4&transport=websocket"
        assert site.request("GET", query, HTTP_ORIGIN=PAGE, **WEBSOCKET).fault == FORBIDDEN
        assert site.server.sockets == {}


class TestFunctions:
    def test_are_asked_once_for_a_request(self, make):
        asked = []
        site = make(cors_allowed_origins=lambda origin: asked.append(origin) or True)
        assert allows(site, PAGE)
        assert asked == [PAGE]

    def test_that_fail_let_nobody_in_and_are_logged(self, make, caplog):
        def rule(origin):
            raise LookupError("the table of customers")

        assert not allows(make(cors_allowed_origins=rule), PAGE)
        assert "the table of customers" in caplog.text

    def test_that_must_be_awaited_let_nobody_in(self, make, caplog):
        class Later:
            def __await__(self):
                yield

        assert not allows(make(cors_allowed_origins=lambda origin: Later()), PAGE)
        assert "something to await" in caplog.text


class TestConfiguration:
    @pytest.mark.parametrize(
        "origin",
        [
            *("", "example.com", "example.com:3000", "https://", "https://example.com/app"),
            *("https://*.example.com", "https://user@example.com", 5, None),
        ],
    )
    def test_an_origin_that_no_page_has_is_an_error(self, make, origin):
        with pytest.raises(ConfigurationError, match="expected a scheme and a host"):
            make(cors_allowed_origins=[origin])

    def test_a_function_of_something_else_is_an_error(self, make):
        with pytest.raises(ConfigurationError, match="expected a function of an origin"):
            make(cors_allowed_origins=lambda a, b, c: True)

    def test_a_coroutine_function_is_an_error(self, make):
        async def rule(origin):
            return False

        with pytest.raises(ConfigurationError, match="expected a plain function"):
            make(cors_allowed_origins=rule)


class TestTheLog:
    @pytest.mark.parametrize(
        ("allowed", "mend"),
        [
            (None, "['http://testserver', 'https://example.com']"),
            (["https://a.example"], "['https://a.example', 'https://example.com']"),
        ],
    )
    def test_names_the_origin_and_the_line_that_lets_it_in(self, make, allowed, mend, caplog):
        site = make(cors_allowed_origins=allowed)
        assert not allows(site, PAGE)
        assert "a page of 'https://example.com' may not connect" in caplog.text
        assert f"Server(..., cors_allowed_origins={mend})" in caplog.text

        told = eval(mend)
        again = make(cors_allowed_origins=told)
        assert allows(again, PAGE)

    def test_says_the_same_only_once(self, site, caplog):
        caplog.set_level("WARNING")
        for _ in range(3):
            allows(site, PAGE)
        assert len(caplog.records) == 1

    def test_a_function_is_not_told_to_be_a_list(self, make, caplog):
        allows(make(cors_allowed_origins=lambda origin: False), PAGE)
        assert "may not connect" in caplog.text
        assert "Server(" not in caplog.text


class TestOldClients:
    """Those of version 1.3 leave the scheme out, on Node."""

    def legacy(self, site, origin):
        return site.request("GET", ONLY_BINARY, HTTP_ORIGIN=origin).status

    @pytest.mark.parametrize(
        "allowed", [None, "http://testserver", ["https://testserver"], "*", lambda origin: True]
    )
    def test_an_origin_without_a_scheme_is_one_with_any(self, make, allowed):
        site = make(cors_allowed_origins=allowed)
        assert self.legacy(site, "testserver") == 200

    def test_its_host_and_port_count(self, make):
        site = make(cors_allowed_origins="http://localhost:3000")
        assert self.legacy(site, "localhost:3000") == 200
        for other in ("localhost", "localhost:80", "host:3000", "", "null"):
            assert self.legacy(site, other) == 403

    def test_a_function_is_asked_for_whole_origins(self, make):
        asked = []
        site = make(cors_allowed_origins=lambda origin: asked.append(origin))
        assert self.legacy(site, "testserver") == 403
        assert asked == ["http://testserver", "https://testserver"]

    def test_the_others_always_name_one(self, site):
        assert not allows(site, "testserver")


class TestScripts:
    """Which browsers fetch for any page, without an Origin."""

    def fetch(self, site, **environ):
        return site.request("GET", f"{TEXT}&j=0", **environ).status

    def test_of_the_servers_own_pages_are_fetched(self, site):
        own = {"HTTP_REFERER": "http://testserver/a/page", "HTTP_SEC_FETCH_SITE": "same-origin"}
        assert self.fetch(site, **own) == 200
        assert self.fetch(site, HTTP_SEC_FETCH_SITE="same-origin") == 200
        assert self.fetch(site, HTTP_SEC_FETCH_SITE="none") == 200
        assert self.fetch(site, HTTP_REFERER="http://testserver") == 200

    @pytest.mark.parametrize(
        "foreign",
        [
            {"HTTP_REFERER": "https://example.com/"},
            {"HTTP_SEC_FETCH_SITE": "cross-site"},
            {"HTTP_SEC_FETCH_SITE": "same-site"},
        ],
    )
    def test_of_others_are_not(self, make, foreign):
        site = make()
        assert self.fetch(site, **foreign) == 403
        assert site.server.sockets == {}
        assert self.fetch(make(cors_allowed_origins="*"), **foreign) == 200

    def test_of_those_that_are_allowed_are(self, make):
        site = make(cors_allowed_origins=PAGE)
        assert self.fetch(site, HTTP_REFERER="https://example.com/page") == 200
        assert self.fetch(site, HTTP_REFERER="https://other.example/page") == 403

    def test_without_a_word_of_a_page_are(self, site):
        assert self.fetch(site) == 200


class TestHeaders:
    @pytest.mark.parametrize("origin", [{}, {"HTTP_ORIGIN": PAGE}])
    @pytest.mark.parametrize("allowed", [None, "*", PAGE, lambda origin: True])
    def test_a_cache_is_told_that_the_origin_makes_a_difference(self, make, allowed, origin):
        headers = make(cors_allowed_origins=allowed).handshake(**origin).headers
        assert headers.get("Vary") == ("Origin" if allowed or origin else None)

    def test_a_refusal_can_be_read_by_a_page_that_may(self, make):
        reply = make(cors_allowed_origins="*").poll("unknown", HTTP_ORIGIN=PAGE)
        assert reply.status == 400
        assert reply.headers["Access-Control-Allow-Origin"] == PAGE

    @pytest.mark.parametrize("allowed", ["*", PAGE])
    def test_credentials_are_let_in_or_kept_out(self, make, allowed):
        for let_in in (True, False):
            site = make(cors_allowed_origins=allowed, cors_credentials=let_in)
            headers = site.handshake(HTTP_ORIGIN=PAGE).headers
            assert headers["Access-Control-Allow-Origin"] == PAGE
            assert headers.get("Access-Control-Allow-Credentials") == ("true" if let_in else None)

    def preflight(self, site, **asked):
        return site.request("OPTIONS", "EIO=4&transport=polling", HTTP_ORIGIN=PAGE, **asked)

    def test_a_preflight_is_answered_without_a_session(self, make):
        site = make(cors_allowed_origins=PAGE)
        reply = self.preflight(site, HTTP_ACCESS_CONTROL_REQUEST_HEADERS="x-token,content-type")
        assert (reply.status, reply.body) == (204, b"")
        assert reply.headers["Access-Control-Allow-Origin"] == PAGE
        assert reply.headers["Access-Control-Allow-Methods"] == "OPTIONS, GET, POST"
        assert reply.headers["Access-Control-Allow-Headers"] == "x-token,content-type"
        assert reply.headers["Access-Control-Allow-Credentials"] == "true"
        assert reply.headers["Vary"] == "Origin"
        assert "Content-Type" not in reply.headers
        assert site.server.sockets == {}

    def test_one_that_asks_for_no_headers_is_told_of_none(self, make):
        headers = self.preflight(make(cors_allowed_origins="*")).headers
        assert "Access-Control-Allow-Headers" not in headers

    def test_one_of_a_page_that_may_not_is_refused(self, site):
        reply = self.preflight(site, HTTP_ACCESS_CONTROL_REQUEST_HEADERS="x-token")
        assert reply.fault == FORBIDDEN
        assert not [name for name in reply.headers if name.startswith("Access-Control")]
