"""A server of a mode that monkey-patches, which sends something to others by a broker."""

import sys

MODE, URL = sys.argv[1:]

if MODE == "eventlet":
    import eventlet

    eventlet.monkey_patch()
elif MODE == "gevent":
    from gevent import monkey

    monkey.patch_all()

from sionamespace import Namespace, Server  # noqa: E402

server = Server({"/": Namespace()}, rooms=URL, async_mode=MODE)
server.namespace("/").emit("hello")
server.flush(timeout=10).result(20)
print("taken", flush=True)
