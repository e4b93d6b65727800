"""Paths with parameters: what they match, and which comes first."""

from __future__ import annotations

import uuid
from functools import partial

import pytest

from sionamespace import ConfigurationError, Namespace, Router
from sionamespace.patterns import Pattern

ID = "6f0c1d3e-9d6b-4c5a-8f63-0f1d2a3b4c5d"


class Room(Namespace): ...


class Other(Namespace): ...


class Needy(Namespace):
    def __init__(self, database):
        self.database = database


@pytest.mark.parametrize(
    ("pattern", "path", "params"),
    [
        ("/rooms/{room_id}", "/rooms/7", {"room_id": "7"}),
        ("/rooms/{room_id}", "/rooms/日本語", {"room_id": "日本語"}),
        ("/rooms/{room_id}", "/rooms/a%2Cb%2F%E6%97%A5", {"room_id": "a,b/日"}),
        ("/rooms/{room_id}", "/rooms/{room_id}", {"room_id": "{room_id}"}),
        ("/rooms/{room_id:str}", "/rooms/a+b", {"room_id": "a+b"}),
        ("/jobs/{job_id:int}", "/jobs/0", {"job_id": 0}),
        ("/jobs/{job_id:int}", "/jobs/-12", {"job_id": -12}),
        ("/jobs/{job_id:int}/log", "/jobs/12/log", {"job_id": 12}),
        ("/a/{b}/{c:int}", "/a/x/3", {"b": "x", "c": 3}),
        ("/doc/{id:uuid}", f"/doc/{ID}", {"id": uuid.UUID(ID)}),
        ("/files/{name:path}", "/files/a/b%20c", {"name": "a/b c"}),
        ("/{any}", "/x", {"any": "x"}),
    ],
)
def test_what_matches_has_its_parameters(pattern, path, params):
    assert Pattern(pattern).match(path) == params


@pytest.mark.parametrize(
    ("pattern", "path"),
    [
        ("/rooms/{room_id}", "/rooms"),
        ("/rooms/{room_id}", "/rooms/"),
        ("/rooms/{room_id}", "/rooms/a/b"),
        ("/rooms/{room_id}", "/room/a"),
        ("/rooms/{room_id}", "/ROOMS/a"),
        ("/rooms/{room_id}", "/rooms/a?b"),
        ("/rooms/{room_id}", "/rooms/a\x1eb"),
        ("/rooms/{room_id}", "/rooms/%FF"),
        ("/rooms/{room_id}", "/rooms/" + "x" * 1000),
        ("/a.c/{x}", "/abc/1"),
        ("/jobs/{job_id:int}", "/jobs/x"),
        ("/jobs/{job_id:int}", "/jobs/007"),
        ("/jobs/{job_id:int}", "/jobs/-0"),
        ("/jobs/{job_id:int}", "/jobs/+7"),
        ("/jobs/{job_id:int}", "/jobs/\u0667"),
        ("/jobs/{job_id:int}", "/jobs/7\n"),
        ("/jobs/{job_id:int}", "/jobs/%37"),
        ("/doc/{id:uuid}", f"/doc/{ID.upper()}"),
        ("/doc/{id:uuid}", f"/doc/{ID.replace('-', '')}"),
        ("/files/{name:path}", "/files/"),
        ("/{any}", "/"),
    ],
)
def test_what_does_not_match_or_convert_has_none(pattern, path):
    assert Pattern(pattern).match(path) is None


def test_the_parameters_cannot_be_changed():
    with pytest.raises(TypeError):
        Pattern("/{a}").match("/1")["a"] = 2


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("/rooms/room-{id}", "whole segment"),
        ("/rooms/{id", "whole segment"),
        ("/rooms/{a}{b}", "whole segment"),
        ("/rooms/{}", "'' cannot name a parameter"),
        ("/rooms/{7}", "'7' cannot name a parameter"),
        ("/rooms/{ü}", "cannot name a parameter"),
        ("/rooms/{a}/{a}", "each once"),
        ("/rooms/{a:number}", "no kind 'number' of parameter; there are: int, uuid, str, path"),
        ("/files/{name:path}/x", "comes last"),
        ("/rooms/{a}/", "ends with '/'"),
        ("/rooms,{a}", "comma"),
    ],
)
def test_a_malformed_pattern_is_an_error(pattern, text):
    with pytest.raises(ConfigurationError, match=text):
        Router({pattern: Room})


def test_a_pattern_needs_a_class():
    with pytest.raises(ConfigurationError, match="mount the class, Room, not an instance"):
        Router({"/rooms/{room_id}": Room()})
    with pytest.raises(ConfigurationError, match="needs a subclass of Namespace"):
        Router({"/rooms/{room_id}": lambda: Room()})


def test_a_class_that_takes_arguments_is_mounted_with_them():
    with pytest.raises(ConfigurationError, match=r"mount functools.partial\(Needy, ...\)"):
        Router({"/rooms/{room_id}": Needy})
    (route,) = Router({"/rooms/{room_id}": partial(Needy, "db")}).patterns
    assert route.namespace is Needy
    assert route.make().database == "db"


def test_two_patterns_of_the_same_paths_are_an_error():
    router = Router({"/rooms/{room_id}": Room})
    with pytest.raises(ConfigurationError, match="taken by Room; one path, one namespace"):
        router.mount("/rooms/{name:str}", Other)
    router.mount("/rooms/{number:int}", Other)
    assert router.paths == ["/rooms/{number:int}", "/rooms/{room_id}"]
    assert len(router) == 2


@pytest.mark.parametrize("turn", [1, -1])
def test_what_is_more_definite_further_left_comes_first(turn):
    patterns = ["/{rest:path}", "/{a}/{b}", "/{a}/{b:int}", "/{a:int}/{b}", "/x/{b}", "/x/{b:int}"]
    router = Router(dict.fromkeys(patterns[::turn], Room))
    found = {
        path: router.match(path)[0].pattern.path
        for path in ("/x/1", "/x/y", "/1/y", "/y/1", "/y/z", "/y", "/x/y/z")
    }
    assert found == {
        "/x/1": "/x/{b:int}",
        "/x/y": "/x/{b}",
        "/1/y": "/{a:int}/{b}",
        "/y/1": "/{a}/{b:int}",
        "/y/z": "/{a}/{b}",
        "/y": "/{rest:path}",
        "/x/y/z": "/{rest:path}",
    }
