"""TLS as the URL of a broker asks for it, where the package of the engine has no words for it."""

from __future__ import annotations

import ssl

from sionamespace.brokers.address import Address
from sionamespace.errors import ConfigurationError

__all__ = ["tls_context"]

_FILES = ("cafile", "certfile", "keyfile")


def tls_context(address: Address, used: bool) -> ssl.SSLContext | None:
    """What to connect with, by the files that are named in the query; None if TLS is not used.

    Takes these options out of the address.

    Raises:
        ConfigurationError: a file cannot be used.
    """
    cafile, certfile, keyfile = (address.options.pop(name, None) for name in _FILES)
    if not used:
        return None
    try:
        context = ssl.create_default_context(cafile=cafile)
        if certfile is not None:
            context.load_cert_chain(certfile, keyfile)
    except OSError as error:
        raise ConfigurationError(f"{address.name}: {error}, of the files for TLS") from None
    return context
