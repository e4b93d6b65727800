from __future__ import annotations

import functools

import pytest

from tests.unit.engine.front import Front
from tests.unit.engine.site import Site

# A driver belongs to its thread for good, so there is one of each for all tests on this thread.
_front = functools.cache(Front)


@pytest.fixture
def front(mode):
    """What runs requests; on eventlet but in modules marked ``wsgi_runtimes``."""
    return _front("eventlet" if mode == "manual" else mode)


@pytest.fixture
def make(front):
    """Makes sites, which are closed with the test."""
    sites = []

    def make(**options):
        sites.append(Site(front, **options))
        return sites[-1]

    yield make
    for site in sites:
        site.close()


@pytest.fixture
def site(make):
    return make()
