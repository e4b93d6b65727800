"""Servers that share clients, over whatever `sionamespace.ports.Broker`.

An emit goes from `Delivery.emit` to `ClusterRoomManager.published` (to which channel), `Wire` (as
bytes), `Outbox` (waits) and `Pump` (to the broker); on another server it comes from the broker to
`ClusterRoomManager`, `Inbox` (to the engine's thread), `Orders` and that server's `Delivery`.
"""

from sionamespace.cluster.manager import ClusterRoomManager

__all__ = ["ClusterRoomManager"]
