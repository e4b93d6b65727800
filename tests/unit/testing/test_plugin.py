"""The plugin for pytest, in runs of pytest of its own."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.unit.testing.installed import environment

pytest_plugins = ("pytester",)

CHAT = """
import asyncio

import pytest
from sionamespace import Namespace, Reply

class Chat(Namespace):
    def on_echo(self, sid, *args):
        self.emit("echoed", *args)
        return args

    async def on_slow(self, sid):
        await asyncio.sleep(10)
        return self.call("confirm", room=sid) is not None

    def on_ask(self, sid):
        return self.call("confirm", room=sid).result()

    def on_broken(self, sid):
        raise ZeroDivisionError("the handler's own")

    def on_later(self, sid):
        return Reply()

@pytest.fixture
def namespaces():
    return Chat()

"""


@pytest.fixture
def run(pytester, monkeypatch):
    """Runs a file of tests; what came of it."""
    for name in ("CI", "BUILD_NUMBER"):  # with them, pytest's summary repeats each message whole
        monkeypatch.delenv(name, raising=False)

    def run_file(code: str, *arguments: str) -> pytest.RunResult:
        pytester.makepyfile(CHAT + code)
        return pytester.runpytest_inprocess("-p", "pytest_sionamespace", *arguments)

    return run_file


def test_pytest_finds_it_with_no_configuration(tmp_path):
    (tmp_path / "test_it.py").write_text(
        CHAT + "def test_it(harness):\n    assert harness.connect().call('echo', 1) == 1\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "test_it.py"],
        cwd=tmp_path,
        env=environment(tmp_path / "site"),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "1 passed" in done.stdout, done.stdout + done.stderr


def test_it_imports_nothing_of_the_package_until_it_is_used(tmp_path):
    code = "import sys, pytest_sionamespace; print([m for m in sys.modules if 'sionam' in m])"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=environment(tmp_path),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stdout == "['pytest_sionamespace']\n"


def test_each_test_has_a_harness_of_its_own(run):
    result = run("""
@pytest.mark.parametrize("time", range(3))
def test_it(harness, time):
    client = harness.connect()
    client.emit("echo", 1)
    client.assert_received("echoed", 1)
    client.refute_received("echoed")
    assert harness.namespace().members() == {client.sid}
""")
    result.assert_outcomes(passed=3)


def test_without_namespaces_it_is_said_what_to_write(run):
    result = run("del namespaces\n\ndef test_it(harness): ...\n")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*define a fixture `namespaces` that returns it, such as Chat()*"])


def test_a_harness_is_made_with_options_too(run):
    result = run("""
@pytest.fixture
def harness(harness_for):
    return harness_for({"/a": Chat(), "/b": Chat()}, raise_errors=False)

def test_it(harness, harness_for):
    assert harness.connect("/b").request("broken").refused.message == "internal error"
    assert harness_for(Chat).connect().call("echo", 1) == 1
""")
    result.assert_outcomes(passed=1)


def test_what_a_test_leaves_behind_fails_that_test(run):
    result = run("""
def test_it(harness):
    harness.connect().request("later")

def test_that_is_meant(harness):
    harness.allow_unfinished("later").connect().request("later")

def test_in_one_of_several(harness, harness_for):
    harness_for(Chat).connect().request("later")
""")
    result.assert_outcomes(passed=1, failed=2)
    result.stdout.fnmatch_lines(["*has no answer to 'later': its handler returned a Reply that*"])
    assert str(result.stdout).count("has no answer to 'later'") == 2  # once for each


def test_a_test_that_fails_is_not_told_what_it_left(run):
    result = run("""
def test_it(harness):
    harness.connect().request("later")
    assert not "what the test is about"
""")
    result.assert_outcomes(failed=1)
    assert "no answer to 'later'" not in result.stdout.str()


def test_a_failing_handler_fails_the_test_with_its_own_traceback_and_no_other(run):
    result = run("""
def test_it(harness):
    harness.connect().emit("broken")
""")
    result.assert_outcomes(failed=1)
    shown = result.stdout.str()
    assert '>       raise ZeroDivisionError("the handler\'s own")' in shown
    assert '>       harness.connect().emit("broken")' in shown
    assert "dispatch.py" not in shown
    assert "harness.py" not in shown
    assert "client.py" not in shown


def test_a_failed_assertion_shows_the_tests_own_line(run):
    result = run("""
def test_it(harness):
    harness.connect().assert_received("echoed", 1)
""")
    shown = result.stdout.str()
    assert "received no echoed(1)" in shown
    assert "client.py" not in shown
    assert "mailbox.py" not in shown


def test_a_test_may_be_async_itself(run):
    result = run("""
def test_it(harness):
    async def test():
        client = harness.connect()
        client.answers("confirm", True)
        assert client.call("ask") is True
        request = client.request("slow")
        harness.advance(10)
        assert request.answer is True
        await asyncio.sleep(0)
        assert await asyncio.get_running_loop().run_in_executor(None, lambda: 1) == 1
        return harness.run(harness.namespace().on_ask, client.sid)

    assert asyncio.run(test()) is True
""")
    result.assert_outcomes(passed=1)
