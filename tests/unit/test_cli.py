"""The command line, up to where it serves."""

from __future__ import annotations

import sys

import pytest

from sionamespace import Server
from sionamespace.cli import main

CHAT = """
from sionamespace import Namespace, Server

class Chat(Namespace): ...

server = Server({"/": Chat})
not_one = 5
app = object()
"""


@pytest.fixture(autouse=True)
def _folder(tmp_path, monkeypatch):
    (tmp_path / "chat_module.py").write_text(CHAT)
    (tmp_path / "broken_module.py").write_text("import something_that_is_not_there")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.delenv("SIONAMESPACE_ASYNC_MODE", raising=False)
    yield
    for name in ("chat_module", "broken_module"):
        sys.modules.pop(name, None)


@pytest.fixture
def run(mocker):
    return mocker.patch.object(Server, "run", autospec=True)


def test_it_serves_what_it_is_told_where_it_is_told(run):
    assert main(["run", "chat_module:server", "--host", "0.0.0.0", "--port", "8000"]) == 0
    (server, host, port), settings = run.call_args
    assert (host, port, settings["app"]) == ("0.0.0.0", 8000, None)
    assert server is sys.modules["chat_module"].server


def test_an_application_may_stand_beside_it(run):
    assert main(["run", "chat_module:server", "--app", "chat_module:app"]) == 0
    assert run.call_args.kwargs["app"] is sys.modules["chat_module"].app


def test_a_certificate_and_its_key_may_be_named(run):
    main(["run", "chat_module:server", "--certfile", "chain.pem", "--keyfile", "key.pem"])
    settings = run.call_args.kwargs
    assert (settings["certfile"], settings["keyfile"]) == ("chain.pem", "key.pem")


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (["--keyfile", "key.pem"], "name certfile= too"),
        (["--certfile", "nowhere.pem"], "cannot use certfile='nowhere.pem'"),
    ],
)
def test_a_certificate_that_cannot_be_used_is_said_before_anything_is_served(capsys, options, text):
    assert main(["run", "chat_module:server", "--port", "0", *options]) == 2
    assert text in capsys.readouterr().err


def test_the_mode_may_be_chosen_for_a_server_that_does_not_say_its_own(run, monkeypatch):
    monkeypatch.setenv("SIONAMESPACE_ASYNC_MODE", "eventlet")
    assert main(["run", "chat_module:server", "--mode", "asyncio"]) == 0
    assert run.call_args.args[0].async_mode == "asyncio"
    assert Server({}, async_mode="eventlet").async_mode == "eventlet"


@pytest.mark.parametrize(
    ("target", "text"),
    [
        ("chat_module", "'chat_module' is not MODULE:NAME, such as chat:server"),
        ("nowhere:server", "there is no module 'nowhere'"),
        ("chat_module:nothing", "the module 'chat_module' has no 'nothing'"),
        ("chat_module:not_one", "is a int; name the Server"),
    ],
)
def test_what_is_wrong_is_said_without_a_traceback(run, capsys, target, text):
    assert main(["run", target]) == 2
    assert text in capsys.readouterr().err
    run.assert_not_called()


def test_a_fault_in_the_module_is_not_taken_for_its_absence(run):
    with pytest.raises(ModuleNotFoundError, match="something_that_is_not_there"):
        main(["run", "broken_module:server"])


def test_reloading_without_its_extra_says_what_to_install(run, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "watchfiles", None)
    assert main(["run", "chat_module:server", "--reload"]) == 2
    assert "pip install 'sionamespace[reload]'" in capsys.readouterr().err
