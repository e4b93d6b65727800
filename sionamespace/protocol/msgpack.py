"""The msgpack codec, as in the npm package ``socket.io-msgpack-parser``.

A packet is one binary message: a map of ``type``, ``nsp``, ``data`` and ``id``, with binary
values inside. As there, JavaScript's ``undefined``, ``Date`` and ``ArrayBuffer`` are extensions of
type 0; here they are None, a `datetime.datetime` with a time zone, and ``bytes``. What that
package takes and we do not: see ``tests/unit/protocol/test_vectors_msgpack.py``.
"""

from __future__ import annotations

import datetime
import struct
from collections.abc import Iterator
from functools import partial
from typing import Any

import msgspec
from msgspec.msgpack import Ext

from sionamespace.errors import PacketError
from sionamespace.protocol.packet import MAX_ID, Packet, PacketType, TooLarge, check_shape
from sionamespace.protocol.plain import BINARY, LEAVES, Form
from sionamespace.protocol.values import levels, too_deep, unsendable

__all__ = ["Decoder", "encode", "read_value", "write_value"]

_FORM = Form(LEAVES | {bytes}, (*BINARY, datetime.datetime), text_keys=True)
_CONTAINERS = bytes([*range(0x80, 0xA0), *range(0xDC, 0xE0)])
_NO_CONTAINERS = bytes(sorted(set(range(256)) - set(_CONTAINERS)))
_MAX_TYPE = PacketType.CONNECT_ERROR  # binary values need no types of their own

_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
_MILLISECOND = datetime.timedelta(milliseconds=1)
_DATE = struct.Struct(">q")

_FIXEXT_1, _FIXEXT_8 = 0xD4, 0xD7
_SHORT_BUFFERS = b"\xc7\x01\x00", b"\xc7\x08\x00"
"""How ``ArrayBuffer`` s begin that are as long as ``undefined`` and a ``Date`` are."""


# Out.


class _Wire(msgspec.Struct, omit_defaults=True):
    """A packet as it is written; the names and their order are the npm package's."""

    type: int
    nsp: str
    data: Any = None
    id: int | None = None


_encoder = msgspec.msgpack.Encoder()


def encode(packet: Packet) -> tuple[bytes, tuple[bytes, ...]]:
    """The message of a packet, and no attachments.

    Raises:
        UsageError: for data that cannot be sent.
    """
    data = packet.data
    if not _FORM.is_plain(data):
        data = _FORM.make_plain(data, _convert)
    try:
        return _encoder.encode(_Wire(packet.type.value, packet.path, data, packet.id)), ()
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        raise unsendable(error, "msgpack") from None


def write_value(value: Any) -> bytes:
    """A value that came of a packet, as the package ``notepack.io`` writes it."""
    if not _FORM.is_plain(value):
        value = _FORM.make_plain(value, _convert)
    return _encoder.encode(value)


def _convert(value: Any, depth: int) -> Any:
    if isinstance(value, BINARY):
        return bytes(value)
    if value.tzinfo is None:
        return value.isoformat()  # a Date is a moment, and this is none
    return Ext(0, _DATE.pack((value - _EPOCH) // _MILLISECOND))


# In.


class Decoder:
    """Turns the messages of one connection into packets.

    Args:
        max_bytes: how large a packet may be, in bytes.
    """

    def __init__(self, max_bytes: int = 1_000_000) -> None:
        self._max_bytes = max_bytes

    def feed(self, message: str | bytes) -> Packet:
        """The packet of a message.

        Raises:
            PacketError: if the message is not what the protocol allows.
            TooLarge: if it is larger than ``max_bytes``, which is a `PacketError` too.
        """
        if isinstance(message, str):
            raise PacketError(
                f"got the text {message[:40]!r}, expected msgpack: this server has "
                "serializer='msgpack', so its clients need the parser socket.io-msgpack-parser "
                "(python-socketio: serializer='msgpack')"
            )
        if len(message) > self._max_bytes:
            raise TooLarge(f"a packet is larger than {self._max_bytes:,} bytes")
        fields: dict[str, Any] = _loads(message)
        return _packet(fields, len(message.translate(None, _NO_CONTAINERS)))


def read_value(message: bytes) -> Any:
    """The value in a message of the package ``notepack.io``; raises `PacketError`."""
    return _loads(message, Any)


def _packet(fields: dict[str, Any], max_containers: int) -> Packet:
    number, path, data, ack = map(fields.get, ("type", "nsp", "data", "id"))
    if type(number) is not int or not 0 <= number <= _MAX_TYPE:
        raise PacketError(f"unknown packet type {number!r:.20}; the types are 0 to {_MAX_TYPE}")
    if type(path) is not str:
        raise PacketError(f"a packet's nsp is a text, not {path!r:.20}")
    if ack is not None and (type(ack) is not int or not 0 <= ack <= MAX_ID):
        raise PacketError(f"bad ack id {ack!r:.20}; expected a number from 0 to {MAX_ID}")
    # The packet itself and the list in it are two; only what might have more is walked.
    if max_containers > 2:
        _check_values(data)
    kind = PacketType(number)
    check_shape(kind, data, ack, data is not None)
    return Packet(kind, path, data, ack)


def _check_values(value: Any) -> None:
    for level in levels(value):
        for outer in level:
            if type(outer) is dict and not all(type(key) is str for key in outer):
                raise PacketError("the keys of a map are texts, as in JSON")


def _loads(message: bytes, kind: Any = dict[str, Any]) -> Any:
    heads = _heads(message) if any(start in message for start in _SHORT_BUFFERS) else None
    decoder = _decoder if heads is None and kind is not Any else _make_decoder(heads, kind)
    try:
        return decoder.decode(message)
    except RecursionError:
        raise too_deep() from None
    except (msgspec.MsgspecError, ValueError, OverflowError) as error:
        raise PacketError(f"the message is no packet in msgpack: {error}") from None


def _make_decoder(
    heads: Iterator[int] | None, kind: Any = dict[str, Any]
) -> msgspec.msgpack.Decoder[Any]:
    return msgspec.msgpack.Decoder(kind, ext_hook=partial(_extension, heads))


def _extension(heads: Iterator[int] | None, code: int, data: memoryview) -> Any:
    """The value of an extension.

    Args:
        heads: the first byte of each extension of type 0, in order; None for the shortest forms.
    """
    if code != 0:
        raise PacketError(f"an extension of type {code}, which nothing here makes")
    size = len(data)
    head = _shortest_head(size) if heads is None else next(heads)
    if head == _FIXEXT_1:
        return None
    if head != _FIXEXT_8:
        return bytes(data)
    try:
        return _EPOCH + _DATE.unpack(data)[0] * _MILLISECOND
    except OverflowError:
        raise PacketError("a Date that is not in the years 1 to 9999") from None


def _shortest_head(size: int) -> int:
    return {1: _FIXEXT_1, 8: _FIXEXT_8}.get(size, 0xC7)


_decoder = _make_decoder(None)

_SIZES = {
    **dict.fromkeys([0xCC, 0xD0], 1),
    **dict.fromkeys([0xCD, 0xD1, 0xDC, 0xDE], 2),
    **dict.fromkeys([0xCA, 0xCE, 0xD2, 0xDD, 0xDF], 4),
    **dict.fromkeys([0xCB, 0xCF, 0xD3], 8),
    **{0xA0 + size: size for size in range(32)},
    **{0xD4 + power: 1 + 2**power for power in range(5)},
}
"""How many bytes follow a first byte, where that is fixed; of a list or map, its length only."""
_LENGTHS = {
    **dict.fromkeys([0xC4, 0xD9], 1),
    **dict.fromkeys([0xC5, 0xDA], 2),
    **dict.fromkeys([0xC6, 0xDB], 4),
    **{0xC7: 1, 0xC8: 2, 0xC9: 4},
}
"""How many bytes of a length follow a first byte; the text, bytes or extension come after it."""


def _heads(message: bytes) -> Iterator[int]:
    """The first byte of each extension of type 0, in order: msgspec does not tell it.

    The package writes ``undefined`` and ``Date`` in one form, and an ``ArrayBuffer`` of the same
    length in another.
    """
    at, end = 0, len(message)
    while at < end:
        head = message[at]
        at += 1
        if head in _LENGTHS:
            width = _LENGTHS[head]
            size = int.from_bytes(message[at : at + width], "big") + (0xC7 <= head <= 0xC9)
            at += width
        else:
            size = _SIZES.get(head, 0)
        is_extension = 0xC7 <= head <= 0xC9 or 0xD4 <= head <= 0xD8
        if is_extension and message[at : at + 1] == b"\x00":
            yield head
        at += size
