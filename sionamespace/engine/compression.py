"""`Compression`: payloads made smaller for clients that take it (RFC 9110, section 12.5.3)."""

from __future__ import annotations

import zlib

import attrs

from sionamespace.engine.http import Request, Response

__all__ = ["Compression"]

_WINDOW_BITS = {"gzip": 31, "deflate": 15}
"""The codings, and how zlib is told to write each; ``deflate`` has zlib's header around it."""

_LEVEL = 4
"""A hundredth larger than zlib's own level, and done in less than half the time."""


@attrs.frozen
class Compression:
    """Whether payloads are compressed, and from how many bytes on.

    A WebSocket's messages and answers without a payload never are.
    """

    enabled: bool
    threshold: int

    def of(self, request: Request, response: Response) -> Response:
        """A response as its client takes it."""
        if not self.enabled or not response.is_payload or len(response.body) < self.threshold:
            return response
        vary = (*response.vary, "Accept-Encoding")
        coding = _coding(str(request.environ.get("HTTP_ACCEPT_ENCODING", "")))
        if coding is None:
            return attrs.evolve(response, vary=vary)
        compressor = zlib.compressobj(_LEVEL, wbits=_WINDOW_BITS[coding])
        body = compressor.compress(response.body) + compressor.flush()
        headers = (*response.headers, ("Content-Encoding", coding))
        return attrs.evolve(response, body=body, headers=headers, vary=vary)


def _coding(accepted: str) -> str | None:
    """The coding that a client likes best; None for none."""
    weights = dict(map(_weighted, accepted.lower().split(",")))
    others = weights.get("*", 0.0)
    best = max(_WINDOW_BITS, key=lambda coding: weights.get(coding, others))
    weight = weights.get(best, others)
    return best if weight > weights.get("identity", 0.0) else None


def _weighted(part: str) -> tuple[str, float]:
    """A coding and its weight; one that cannot be read is 0, which is not accepted."""
    name, *parameters = map(str.strip, part.split(";"))
    for parameter in parameters:
        key, _, value = parameter.partition("=")
        if key.strip() == "q":
            try:
                return name, float(value)
            except ValueError:
                return name, 0.0
    return name, 1.0
