"""Sharing clients with servers of Node, which have the npm package ``@socket.io/redis-adapter``."""
