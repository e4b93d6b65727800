"""What clients send. Handlers name these types, so what does not fit never reaches them.

A browser can send anything, so the page's own limits count for nothing here. What a person may get
wrong in a form is refused in words that the page can show.
"""

from __future__ import annotations

import unicodedata
from typing import Annotated

import attrs
from msgspec import Meta
from sionamespace import Refused

__all__ = ["File", "Id", "Question", "Text", "Visitor", "tidy", "type_of"]

LONGEST_NAME = 24

Id = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{8,40}$")]
Text = Annotated[str, Meta(pattern=r"\S", max_length=1000)]
Question = Annotated[str, Meta(pattern=r"\S", max_length=200)]
File = Annotated[bytes, Meta(max_length=200_000)]

SIGNATURES = {
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"GIF8": "image/gif",
    b"RIFF": "image/webp",
}


@attrs.frozen
class Visitor:
    """Who comes, and where to: the ``auth`` of a page. ``key`` is a secret of that page."""

    name: str
    key: Id
    room: str = ""


def tidy(text: str, what: str) -> str:
    """The name of a person or of a room: one line, not empty, and all of it to be seen.

    Raises:
        Refused: if it cannot be one; ``data`` says at which field of a form.
    """
    line = " ".join(unicodedata.normalize("NFC", text).split())
    if not line:
        raise Refused(f"Please choose a {what}.", {"field": what})
    if len(line) > LONGEST_NAME:
        raise Refused(f"A {what} has at most {LONGEST_NAME} characters.", {"field": what})
    if not line.isprintable():
        raise Refused(f"This {what} has characters that nobody can see.", {"field": what})
    return line


def type_of(picture: bytes) -> str:
    """The MIME type of an image file, which its first bytes tell, whatever its sender says.

    Raises:
        Refused: if it is none that every browser shows.
    """
    for signature, type in SIGNATURES.items():
        if picture.startswith(signature):
            return type
    raise Refused("Pictures may be PNG, JPEG, GIF or WebP.")
