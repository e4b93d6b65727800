"""Which mode a server runs in."""

from __future__ import annotations

import importlib.util
import itertools
import logging
import subprocess
import sys

import eventlet.patcher
import gevent.monkey
import pytest

from sionamespace.errors import ConfigurationError
from sionamespace.runtime.choice import choose, make_driver

PARTS = ("socket", "select", "thread", "time")
SOME = [some for n in (1, 2, 3) for some in itertools.combinations(PARTS, n)]
CALLS = {"eventlet": "eventlet.monkey_patch()", "gevent": "monkey.patch_all()"}
GREEN = list(CALLS)


@pytest.fixture
def patch(mocker):
    """Lets a library say that it has patched some parts of the process."""

    def patch(library, parts):
        if library == "eventlet":
            mocker.patch.object(
                eventlet.patcher, "is_monkey_patched", side_effect=parts.__contains__
            )
        else:
            own = {"_thread" if part == "thread" else part for part in parts}
            mocker.patch.object(gevent.monkey, "is_module_patched", side_effect=own.__contains__)

    patch("eventlet", ())
    patch("gevent", ())
    return patch


@pytest.fixture
def installed(mocker):
    """Lets only some libraries be installed."""

    def installed(*libraries):
        find = importlib.util.find_spec
        mocker.patch(
            "importlib.util.find_spec",
            side_effect=lambda name: find(name) if name in libraries else None,
        )

    return installed


class TestAsked:
    @pytest.mark.parametrize(
        ("asked", "mode"),
        [("eventlet",) * 2, ("gevent",) * 2, ("threads",) * 2, ("threading", "threads")],
    )
    def test_what_is_asked_for_is_taken(self, asked, mode):
        assert choose(asked, "gevent") == (mode, "as asked for")
        assert make_driver(mode).name == mode

    def test_a_mode_that_there_is_not_is_an_error_that_names_those_that_there_are(self):
        with pytest.raises(ConfigurationError, match=r"'trio'.*: eventlet, gevent, thr"):
            choose("trio")

    @pytest.mark.parametrize("mode", GREEN)
    def test_one_that_is_not_installed_is_an_error_that_says_how_to(self, installed, mode):
        installed()
        with pytest.raises(ConfigurationError, match=rf"pip install 'sionamespace\[{mode}\]'"):
            choose(mode)


class TestFound:
    @pytest.mark.parametrize("library", GREEN)
    def test_a_process_that_is_patched_runs_on_what_patched_it(self, patch, library):
        patch(library, PARTS)
        mode, why = choose(None, "threads" if library == "eventlet" else None)
        assert mode == library
        assert f"{library} has monkey-patched this process" in why

    def test_else_the_web_server_decides(self):
        assert choose(None, "gevent") == ("gevent", "the web server runs so")

    @pytest.mark.parametrize(
        ("there", "mode"), [(GREEN, "eventlet"), (["gevent"], "gevent"), ([], "threads")]
    )
    def test_else_what_is_installed(self, installed, there, mode):
        installed(*there)
        assert choose(None)[0] == mode


class TestPatching:
    @pytest.mark.parametrize("library", GREEN)
    @pytest.mark.parametrize("parts", SOME, ids="+".join)
    def test_a_part_of_it_is_warned_of_with_what_is_missing(self, patch, caplog, library, parts):
        patch(library, parts)
        assert choose(library) == (library, "as asked for")
        (record,) = caplog.records
        assert record.levelno == logging.WARNING
        said = record.getMessage()
        missing = sorted(set(PARTS) - set(parts))
        assert f"patched {', '.join(sorted(parts))}, but not {', '.join(missing)}:" in said
        assert CALLS[library] in said

    @pytest.mark.parametrize("library", GREEN)
    @pytest.mark.parametrize("parts", [(), PARTS], ids=["none", "all"])
    def test_all_or_nothing_is_fine(self, patch, caplog, library, parts):
        patch(library, parts)
        choose(library)
        assert caplog.records == []

    @pytest.mark.parametrize("library", GREEN)
    @pytest.mark.parametrize("parts", [*SOME, PARTS], ids="+".join)
    def test_another_mode_does_not_go_with_any_part_of_it(self, patch, library, parts):
        patch(library, parts)
        for mode in {"eventlet", "gevent", "threads"} - {library}:
            with pytest.raises(ConfigurationError, match=f"use async_mode='{library}', or patch"):
                choose(mode)

    @pytest.mark.parametrize(
        ("library", "line"),
        [
            ("eventlet", "import eventlet; eventlet.monkey_patch(socket=True)"),
            ("gevent", "from gevent import monkey; monkey.patch_socket(dns=False)"),
        ],
    )
    def test_a_process_that_really_is_patched_in_part_is_told(self, library, line):
        program = (
            "import warnings; warnings.simplefilter('ignore')\n"
            f"{line}\n"
            "from sionamespace import Server\n"
            "print(Server({}).async_mode)"
        )
        done = subprocess.run(
            [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True
        )
        assert done.stdout.strip() == library
        assert f"{library} has monkey-patched socket, but not select" in done.stderr
