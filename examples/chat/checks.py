"""What clients send, checked: each function returns a good value or raises `Refused`.

A browser can send anything, so the page's own limits count for nothing here. What is refused is
said in words that the page can show.
"""

from __future__ import annotations

import re
import unicodedata

from sionamespace import Refused

from history import Picture

__all__ = ["check_id", "check_name", "check_picture", "check_room", "check_text"]

LONGEST_NAME = 24
LONGEST_TEXT = 1000
LARGEST_PICTURE = 200_000

_ID = re.compile(r"[A-Za-z0-9_-]{8,40}")

_SIGNATURES = {
    "image/png": re.compile(rb"\x89PNG\r\n\x1a\n"),
    "image/jpeg": re.compile(rb"\xff\xd8\xff"),
    "image/gif": re.compile(rb"GIF8[79]a"),
    "image/webp": re.compile(rb"RIFF....WEBP", re.DOTALL),
}


def check_name(value: object) -> str:
    """A person's name: one line, not empty, not too long, and nothing invisible."""
    return _line(value, "name")


def check_room(value: object) -> str:
    """A room's name, ``#garden``. Because of the ``#`` it never is somebody's sid."""
    named = value.strip().lstrip("#") if isinstance(value, str) else value
    return "#" + _line(named, "room").lower()


def check_text(value: object, longest: int = LONGEST_TEXT) -> str:
    """What somebody says; it may have several lines."""
    text = value.strip() if isinstance(value, str) else ""
    if not text:
        raise Refused("There is nothing to send.")
    if len(text) > longest:
        raise Refused(f"That is too long: {len(text)} characters, of {longest} at the most.")
    return text


def check_id(value: object) -> str:
    """The id of a message."""
    if not isinstance(value, str) or not _ID.fullmatch(value):
        raise Refused("That is not the id of a message.")
    return value


def check_picture(value: object) -> Picture:
    """An image file. Its own first bytes tell its type, whatever the client says."""
    if not isinstance(value, bytes) or not value:
        raise Refused("That is not a picture.")
    if len(value) > LARGEST_PICTURE:
        raise Refused(f"The picture is too large: at most {LARGEST_PICTURE // 1000} kB.")
    for type, signature in _SIGNATURES.items():
        if signature.match(value):
            return Picture(type, value)
    raise Refused("Pictures may be PNG, JPEG, GIF or WebP.")


def _line(value: object, field: str) -> str:
    line = " ".join(unicodedata.normalize("NFC", value).split()) if isinstance(value, str) else ""
    if not line:
        raise Refused(f"Please choose a {field}.", {"field": field})
    if len(line) > LONGEST_NAME:
        raise Refused(f"A {field} has at most {LONGEST_NAME} characters.", {"field": field})
    if not line.isprintable():
        raise Refused(f"This {field} has characters that nobody can see.", {"field": field})
    return line
