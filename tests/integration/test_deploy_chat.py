"""The chat example behind each web server of docs/deploy, with the newest JavaScript client."""

from __future__ import annotations

import os
import signal
from contextlib import ExitStack
from pathlib import Path

import pytest
from child import Node
from test_deploy import DOCS, HERE, Recipe, commands, files

CHAT = HERE.parents[1] / "examples" / "chat"
SERVED = """\
from app import make_server, pages

server = make_server()
app = server.wsgi(pages)
"""
"""What is imported by a web server, or by our own command."""


def chat_with(page: str, command: str) -> tuple[str, dict[str, str]]:
    """The command, and the files that it needs, with which a recipe serves the chat."""
    program = command.split()[0]
    if page == "asyncio.md":
        return command.replace("app.py", str(CHAT / "asgi.py")).replace("app:app", "asgi:app"), {}
    if command == "python app.py":
        return f"python {CHAT / 'app.py'}", {}
    written = {"served.py": SERVED}
    if program == "python":
        written["serve.py"] = files(page)["serve.py"].replace("from app ", "from served ")
    if program == "sionamespace":
        return command.replace("app:server", "served:server --app served:app"), written
    return command.replace("app:app", "served:app"), written


RECIPES = [
    pytest.param(page, command, id=f"{page.removesuffix('.md')}-{command}")
    for page in sorted({path.name for path in DOCS.glob("*.md")} - {"sticky.md"})
    for command in commands(page)
    if "web.py" not in command  # that is for an application of Flask's own
]
"""Those of sticky.md need a Redis and a proxy; see ``test_deploy_sticky.py``."""


@pytest.mark.parametrize(("page", "command"), RECIPES)
def test_the_chat_works(page: str, command: str, tmp_path: Path, node: Node) -> None:
    command, written = chat_with(page, command)
    path = os.pathsep.join([str(CHAT), os.environ.get("PYTHONPATH", "")])
    environ = {"PYTHONPATH": path}
    if page in ("eventlet.md", "gevent.md", "threads.md"):
        environ["SIONAMESPACE_ASYNC_MODE"] = page.removesuffix(".md")
    recipe = Recipe(written, command, tmp_path, PORT="5000", **environ)
    with ExitStack() as ending:
        ending.callback(recipe.child.end, seconds=20)
        recipe.until_it_listens()
        client = node.start("js/chat.js", recipe.url)
        ending.callback(client.end, signal.SIGKILL)
        client.wait_for("^ok$")
        if page == "asyncio.md" and "python" not in command:
            client.end(signal.SIGKILL)  # these servers wait for their clients, or complain of them
        recipe.child.end(seconds=20)
        if client.process.poll() is None:
            client.wait_for("^left$")
    assert "fault of" not in recipe.child.text()
    assert "Traceback" not in recipe.child.text(), recipe.child.text()
