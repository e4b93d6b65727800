"""What a web server needs for ``https`` and ``wss``."""

from __future__ import annotations

from ssl import PROTOCOL_TLS_SERVER, SSLContext
from typing import Any

from attrs import frozen

from sionamespace.errors import ConfigurationError

__all__ = ["HANDSHAKE_SECONDS", "Certificate"]

HANDSHAKE_SECONDS = 10.0
"""How long a client may take for its part of the handshake."""


@frozen
class Certificate:
    """A server's certificate and its private key, as files in PEM form."""

    certfile: str
    keyfile: str | None
    """None if the key is in ``certfile`` too."""

    @classmethod
    def parse(cls, certfile: str | None, keyfile: str | None) -> Certificate | None:
        """What was asked for; None for plain HTTP.

        Raises:
            ConfigurationError: for a key alone, and if the files cannot be used.
        """
        if certfile is None:
            if keyfile is not None:
                raise ConfigurationError("keyfile= is the key of a certificate: name certfile= too")
            return None
        certificate = cls(certfile, keyfile)
        certificate.context()
        return certificate

    def context(self, make: type[Any] = SSLContext) -> Any:
        """An ``ssl.SSLContext`` of a server, or of a library's own kind.

        Raises:
            ConfigurationError: if the files cannot be used.
        """
        context = make(PROTOCOL_TLS_SERVER)
        try:
            context.load_cert_chain(self.certfile, self.keyfile)
        except OSError as error:
            raise ConfigurationError(
                f"cannot use certfile={self.certfile!r} with keyfile={self.keyfile!r}: {error}; "
                "they must be a certificate and its key, in PEM form"
            ) from error
        return context
