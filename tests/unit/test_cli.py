"""The command line, up to where it serves."""

from __future__ import annotations

import json
import re
import sys

import pytest

from sionamespace import Server, __version__
from sionamespace.cli import main

CHAT = """
from sionamespace import Namespace, Server

class Chat(Namespace): ...

server = Server({"/": Chat})
not_one = 5
app = object()

def make_server():
    return server

def make_nothing(): ...
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


def test_a_function_may_make_it(run):
    assert main(["run", "chat_module:make_server"]) == 0
    assert run.call_args.args[0] is sys.modules["chat_module"].server


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


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (["--workers", "2", "--reload"], "--reload is for one process"),
        (["--workers", "0"], "workers=0: expected how many"),
        (["--workers", "2", "--keyfile", "key.pem"], "name certfile= too"),
    ],
)
def test_workers_that_cannot_be_are_an_error_before_there_is_one(capsys, options, text):
    assert main(["run", "chat_module:server", "--port", "0", *options]) == 2
    assert text in capsys.readouterr().err


def test_how_long_sending_clients_away_takes_may_be_chosen(run):
    main(["run", "chat_module:server", "--drain", "2.5"])
    assert run.call_args.kwargs["drain"] == 2.5


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
        ("chat_module:Chat", "chat_module:Chat is a class; name the Server: run chat:server"),
        ("chat_module:make_nothing", "what chat_module:make_nothing returns is a NoneType"),
    ],
)
def test_what_is_wrong_is_said_without_a_traceback(run, capsys, target, text):
    assert main(["run", target]) == 2
    assert text in capsys.readouterr().err
    run.assert_not_called()


@pytest.mark.parametrize("command", ["run", "routes", "typescript", "asyncapi"])
def test_each_command_says_what_it_is_for(capsys, command):
    with pytest.raises(SystemExit) as done:
        main([command, "--help"])
    usage, description, *_ = capsys.readouterr().out.split("\n\n")
    assert done.value.code == 0
    assert usage.startswith(f"usage: sionamespace {command}")
    assert re.match("(Serve|List|Write) ", description)


def test_the_version_is_said(capsys):
    with pytest.raises(SystemExit) as done:
        main(["--version"])
    assert (done.value.code, capsys.readouterr().out) == (0, f"sionamespace {__version__}\n")


def test_a_fault_in_the_module_is_not_taken_for_its_absence(run):
    with pytest.raises(ModuleNotFoundError, match="something_that_is_not_there"):
        main(["run", "broken_module:server"])


def test_reloading_without_its_extra_says_what_to_install(run, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "watchfiles", None)
    assert main(["run", "chat_module:server", "--reload"]) == 2
    assert "pip install 'sionamespace[reload]'" in capsys.readouterr().err


ROUTES = """
from __future__ import annotations
from functools import partial
from sionamespace import Namespace, Server, event

class Lobby(Namespace):
    def on_connect(self, sid, environ, auth): ...

    def on_message(self, sid, text: str, to: list[str] = 'all') -> str: ...

    @event("any name", "*")
    async def rest(self, sid, event, *args): ...

class Job(Namespace):
    def __init__(self, store): ...

    @staticmethod
    def on_stop(sid, *why: str): ...

class Empty(Namespace): ...

server = Server({"/jobs/{job_id:int}": partial(Job, 1), "/": Lobby, "/empty": Empty()})
"""

MESSAGE = "(text: str, to: list[str] = 'all') -> str"


@pytest.fixture
def _routes(tmp_path):
    (tmp_path / "routes_module.py").write_text(ROUTES)
    yield
    sys.modules.pop("routes_module", None)


@pytest.mark.usefixtures("_routes")
def test_routes_are_an_aligned_table(capsys):
    assert main(["routes", "routes_module:server"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [re.split("  +", line) for line in lines] == [
        ["NAMESPACE", "CLASS", "EVENT", "HANDLER", "SOURCE"],
        ["/", "Lobby", "(connect)", "def on_connect(sid, environ, auth)", "routes_module.py:7"],
        ["/", "Lobby", "message", f"def on_message{MESSAGE}", "routes_module.py:9"],
        ["/", "Lobby", "any name", "async def rest(event, *args)", "routes_module.py:11"],
        ["/", "Lobby", "*", "async def rest(*args)", "routes_module.py:11"],
        ["/empty", "Empty", "(no handlers)"],
        ["/jobs/{job_id:int}", "Job", "stop", "def on_stop(*why: str)", "routes_module.py:17"],
    ]
    column = lines[0].index("SOURCE")
    assert all(line.find("routes_module.py") in (-1, column) for line in lines)


@pytest.mark.usefixtures("_routes")
def test_routes_are_there_for_programs_too(capsys):
    assert main(["routes", "--json", "routes_module:server"]) == 0
    routes = json.loads(capsys.readouterr().out)
    assert routes[1] == {
        "path": "/",
        "namespace": "Lobby",
        "event": "message",
        "handler": "on_message",
        "kind": "def",
        "arguments": MESSAGE,
        "source": routes[1]["source"],
    }
    assert routes[1]["source"].endswith("routes_module.py:9")
    assert routes[4] == {**dict.fromkeys(routes[1]), "path": "/empty", "namespace": "Empty"}
    assert routes[5]["path"] == "/jobs/{job_id:int}"


def test_routes_of_what_is_no_server_are_an_error(capsys):
    assert main(["routes", "chat_module:not_one"]) == 2
    assert "name the Server: routes chat:server" in capsys.readouterr().err


CONTRACT = """
from sionamespace import Namespace, Server

class Page:
    def told(self, text: str) -> None: ...

class Chat(Namespace, outgoing=Page):
    def on_say(self, sid, text: str) -> bool: ...

class Wrong(Namespace):
    def on_say(self, sid) -> Nowhere: ...

server = Server({"/chat": Chat})
wrong = Server({"/chat": Wrong})
"""


@pytest.fixture
def _contract(tmp_path):
    (tmp_path / "contract_module.py").write_text("from __future__ import annotations" + CONTRACT)
    yield
    sys.modules.pop("contract_module", None)


@pytest.mark.usefixtures("_contract")
def test_types_for_the_front_end_are_written(capsys):
    assert main(["typescript", "contract_module:server"]) == 0
    text = capsys.readouterr().out
    assert "    say: (text: string, ack: (answer: boolean | Failure) => void) => void;\n" in text
    assert "    told: (text: string) => void;\n" in text


@pytest.mark.usefixtures("_contract")
def test_an_asyncapi_document_is_written(capsys):
    assert main(["asyncapi", "contract_module:server"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["info"] == {"title": "contract_module", "version": "1.0.0"}
    assert list(document["operations"]) == ["chat.receive.say", "chat.send.told"]
    named = ["--title", "The chat", "--api-version", "3.1"]
    main(["asyncapi", "contract_module:server", *named])
    document = json.loads(capsys.readouterr().out)
    assert document["info"] == {"title": "The chat", "version": "3.1"}


@pytest.mark.usefixtures("_contract")
@pytest.mark.parametrize("command", ["typescript", "asyncapi"])
def test_what_cannot_be_written_is_said_without_a_traceback(capsys, command):
    assert main([command, "contract_module:wrong"]) == 2
    text = capsys.readouterr().err
    assert "Wrong.on_say (" in text
    assert "contract_module.py:11): the annotation 'Nowhere' of 'return' cannot be found" in text
