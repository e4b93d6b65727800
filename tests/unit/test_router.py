"""Paths and namespaces."""

from __future__ import annotations

import pytest

from sionamespace import ConfigurationError, Namespace, Router
from sionamespace.testing import Harness

pytestmark = pytest.mark.every_runtime


class Chat(Namespace): ...


class Needy(Namespace):
    def __init__(self, database):
        self.database = database


def test_classes_and_instances_are_mounted():
    router = Router({"/": Chat})
    instance = Chat()
    assert router.mount("/chat", instance) is instance
    assert isinstance(router.find("/"), Chat)
    assert router.find("/chat") is instance
    assert router.find("/nowhere") is None
    assert [path for path, _ in router] == ["/", "/chat"]
    assert len(router) == 2


@pytest.mark.parametrize(
    "path", ["chat", "", "/a,b", "/a?b", "/a b", "/chat/", None, 7, "/a#b", "/a\x1eb"]
)
def test_a_malformed_path_is_an_error(path):
    with pytest.raises(ConfigurationError, match="path"):
        Router().mount(path, Chat)


def test_a_path_is_mounted_once():
    router = Router({"/chat": Chat})
    with pytest.raises(ConfigurationError, match="'/chat' is taken by Chat"):
        router.mount("/chat", Chat())


def test_a_class_that_needs_arguments_is_an_error_with_the_mend():
    with pytest.raises(ConfigurationError, match=r"mount an instance, '/n': Needy\(\.\.\.\)"):
        Router({"/n": Needy})
    Router({"/n": Needy("db")})


@pytest.mark.parametrize("thing", [object(), dict, "chat", None])
def test_only_namespaces_are_mounted(thing):
    with pytest.raises(ConfigurationError, match="needs a subclass of Namespace"):
        Router({"/x": thing})


@pytest.mark.parametrize("routes", [Chat(), Chat, [Chat()], "/chat", [], object()])
def test_routes_are_a_mapping(routes):
    with pytest.raises(ConfigurationError, match=r"such as \{'/chat': Chat\(\)\}, not "):
        Router(routes)


def test_a_served_router_takes_no_more():
    router = Router({"/": Chat})
    Harness(router)
    with pytest.raises(ConfigurationError, match="before the router is given to a Server"):
        router.mount("/late", Chat)
