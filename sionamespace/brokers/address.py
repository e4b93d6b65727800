"""`Address`: where an engine is, as the URL of a broker says it."""

from __future__ import annotations

from urllib.parse import parse_qsl, unquote, urlsplit

import attrs

from sionamespace.errors import ConfigurationError

__all__ = ["Address"]


@attrs.frozen
class Address:
    """A URL, ``scheme://username:password@host:port,host:port/path?query``, in its parts."""

    scheme: str
    hosts: tuple[tuple[str, int], ...]
    path: str
    options: dict[str, str] = attrs.field(repr=False)
    username: str | None = attrs.field(default=None, repr=False)
    password: str | None = attrs.field(default=None, repr=False)

    @classmethod
    def parse(cls, url: str, port: int) -> Address:
        """The parts of a URL; hosts that it gives no port for have the given one.

        Raises:
            ConfigurationError: it cannot be read. The text says nothing that may be a password.
        """
        scheme, _, _ = url.partition("://")
        try:
            parts = urlsplit(url)
            credentials, _, hosts = parts.netloc.rpartition("@")
            username, _, password = credentials.partition(":")
            return cls(
                scheme,
                tuple(_host(host, port) for host in hosts.split(",")),
                unquote(parts.path.strip("/")),
                dict(parse_qsl(parts.query, keep_blank_values=True)),
                unquote(username) or None,
                unquote(password) or None,
            )
        except ValueError:
            # What was tried to read may be a piece of a password, so it is not in the text.
            raise ConfigurationError(
                f"the URL {scheme}://... of the broker cannot be read: expected "
                f"{scheme}://username:password@host:{port}/path?option=value; characters such as "
                "/ ? # @ : in a username or password are written as %2F %3F %23 %40 %3A"
            ) from None

    @property
    def name(self) -> str:
        """The URL without the secrets, for logs."""
        hosts = ",".join(
            f"[{host}]:{n}" if ":" in host else f"{host}:{n}" for host, n in self.hosts
        )
        return f"{self.scheme}://{hosts}" + (f"/{self.path}" if self.path else "")


def _host(text: str, port: int) -> tuple[str, int]:
    parts = urlsplit(f"//{text}")  # knows IPv6
    return parts.hostname or "127.0.0.1", parts.port or port
