"""`Siblings`: how the workers of a server hand connections over to each other."""

from __future__ import annotations

import _socket
import array
import errno
import os
import re
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple
from urllib.parse import unquote_to_bytes

from sionamespace.ids import Ids, new_node
from sionamespace.workers.balance import Balance

__all__ = ["MOST_WORKERS", "PATIENCE", "Inboxes", "Passed", "Siblings"]

_SID = re.compile(rb"[A-Z]+ [^ ?]*\?(?:[^ ]*&)?sid=([^& \r\n]+)")
"""The session in the first line of a request."""

_MOST = 512 * 1024
"""How many bytes of a connection may have been read before it is handed over; event loops read 256
KiB at a time."""
_ROOM = 4 * 1024 * 1024
"""How many bytes an inbox is asked to hold; the system has its own limit."""

_RIGHTS = _socket.CMSG_LEN(array.array("i").itemsize)
"""The size of what comes along with that: one descriptor."""

PATIENCE = 2.0
"""How many seconds a full inbox is waited for: its worker is busy, stopped or dead."""
_LOOK_AGAIN = 0.02
"""After how many seconds it is looked at again."""

_DIGITS = 2
"""How many digits of a node are the worker's number."""
MOST_WORKERS = 16**_DIGITS

# The system's sockets, also where a library has made Python's green.
Socket = _socket.socket


class Passed(NamedTuple):
    """A connection that a sibling has handed over."""

    descriptor: int
    address: Any
    """Of the client."""
    early: bytes
    """What was read of it already, the beginning of a request."""


class Inboxes:
    """The inboxes of all workers, made before any of them is forked.

    Each is a pair of Unix sockets: every worker has the end of each pair that is written, and one
    worker the other end. They have no name, so there is no file to remove; and a worker that is
    started in place of another gets its inbox with all that is in it.
    """

    def __init__(self, count: int) -> None:
        self._pairs = [
            _socket.socketpair(_socket.AF_UNIX, _socket.SOCK_DGRAM) for _ in range(count)
        ]
        for reader, writer in self._pairs:
            reader.setblocking(False)
            writer.setblocking(False)
            writer.setsockopt(_socket.SOL_SOCKET, _socket.SO_SNDBUF, _ROOM)

    def of_worker(self, number: int) -> tuple[Socket, list[Socket]]:
        """A worker's own one, and what puts something into each; called in its own process."""
        for other, (reader, _) in enumerate(self._pairs):
            if other != number:
                reader.close()
        return self._pairs[number][0], [writer for _, writer in self._pairs]

    def close(self) -> None:
        """Let go of them, so that nothing can be put into one whose worker has ended."""
        for pair in self._pairs:
            for end in pair:
                end.close()


class Siblings:
    """The workers of a server, as one of them sees them.

    Args:
        number: which one this is.
        inbox: where it gets connections.
        outboxes: what puts them into the inbox of each worker.
        balance: how it gets no more than its share of the clients.
    """

    def __init__(
        self, number: int, inbox: Socket, outboxes: Sequence[Socket], balance: Balance
    ) -> None:
        self.balance = balance
        self.node = f"{number:0{_DIGITS}x}{new_node()[_DIGITS:]}"
        """What the ids of this worker's clients end with; it begins with the worker's number."""
        self._number = number
        self._inbox = inbox
        self._outboxes = outboxes

    def fileno(self) -> int:
        """The inbox, which can be read when a connection has come."""
        return self._inbox.fileno()

    def home_of(self, head: bytes) -> int | None:
        """The sibling whose client a request is of; None if this worker may answer it.

        Args:
            head: the beginning of the request, with all of its first line.
        """
        found = _SID.match(head)
        if found is None:
            return None
        node = Ids.node_of(unquote_to_bytes(found[1]).decode("latin-1"))
        number = self._number if node is None else int(node[:_DIGITS], 16)
        return number if number != self._number and number < len(self._outboxes) else None

    def hand_over(
        self, number: int, descriptor: int, early: bytes, sleep: Callable[[float], object]
    ) -> bool:
        """Give a connection to a sibling; False if its inbox stays full, or it has ended.

        Args:
            descriptor: of the connection, which the caller then closes.
            early: what was read of it already.
            sleep: lets this thread or green thread sleep.
        """
        for _ in range(int(PATIENCE / _LOOK_AGAIN)):
            sent = self.try_to_hand_over(number, descriptor, early)
            if sent is not None:
                return sent
            sleep(_LOOK_AGAIN)
        return False

    def try_to_hand_over(self, number: int, descriptor: int, early: bytes) -> bool | None:
        """The same without waiting: None if the inbox is full."""
        if len(early) > _MOST:
            return False
        rights = array.array("i", [descriptor])
        try:
            self._outboxes[number].sendmsg(
                [early], [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, rights)]
            )
        except BlockingIOError:
            return None
        except OSError as error:
            return None if error.errno == errno.ENOBUFS else False
        return True

    def receive(self) -> Passed | None:
        """The next connection that was handed over; None if its client has left meanwhile.

        Raises:
            BlockingIOError: if there is none.
        """
        early, rights, _, _ = self._inbox.recvmsg(
            _MOST, _socket.CMSG_LEN(array.array("i").itemsize)
        )
        if not rights:  # there was no room in the table of open files
            return None
        (descriptor,) = array.array("i", rights[0][2])
        os.set_inheritable(descriptor, False)
        connection = Socket(fileno=descriptor)
        try:
            return Passed(descriptor, connection.getpeername(), early)
        except OSError:
            os.close(descriptor)
            return None
        finally:
            connection.detach()
