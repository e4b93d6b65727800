"""Servers that share clients, over whatever `sionamespace.ports.Broker`.

An emit goes from `Delivery.emit` to `ClusterOthers.published`, the `Outbox` (where it waits), the
`Pump` (on the cluster's loop), `Membership` and `Wire` (to which channel, as bytes) and the broker.
On another server it comes from there to `Membership`, `Orders` (for whom), the `Inbox` (to the
engine's thread) and that server's `Delivery`.
"""

from sionamespace.cluster.manager import ClusterRoomManager

__all__ = ["ClusterRoomManager"]
