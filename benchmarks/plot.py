"""The main figures as a picture: an SVG that needs nothing to be made or to be looked at."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape

import attrs
from results import Results

__all__ = ["svg"]


@attrs.frozen
class _Panel:
    """One case; its bars are the peers, its groups the modes."""

    case: str
    metric: str
    title: str
    unit: str
    without: tuple[str, ...] = ()
    """Peers that would dwarf the others."""


_PANELS = (
    _Panel("echo-50x4", "per second", "Events answered", "a second; 50 clients, 4 outstanding"),
    _Panel("echo-200x1", "per second", "Events answered", "a second; 200 clients, 1 outstanding"),
    _Panel("fanout-500", "per second", "Messages to a room of 500", "a second"),
    _Panel("connect", "per second", "Clients that connect", "a second", ("bare",)),
    _Panel("latency", "p99 ms", "Latency, p99", "ms, at half of the most it can; less is better"),
    _Panel("memory", "KB each", "Memory for an idle client", "KB; less is better"),
)
_COLOURS = {
    "sionamespace": "#0b6e75",
    "python-socketio": "#d08c3f",
    "ordered": "#ecc99a",
    "node": "#7a9a4c",
    "bare": "#c4c9cf",
}
_OTHER = "#8a6fa8"
_NAMES = {
    "ordered": "the same, async_handlers=False",
    "node": "Node's socket.io",
    "bare": "bare WebSocket, no framework",
}

_WIDTH, _COLUMNS, _MARGIN = 960, 2, 28
_PANEL = (_WIDTH - _MARGIN * (_COLUMNS + 1)) / _COLUMNS
_LABEL, _VALUE = 62, 64
"""What the names of the modes and the numbers take, in pixels."""
_BAR, _GROUP_GAP, _HEAD = 13, 9, 44


def svg(results: Results) -> str:
    """The picture of what was measured."""
    panels = [(panel, groups) for panel in _PANELS if (groups := list(_groups(results, panel)))]
    y, drawn = 74.0, []
    for at in range(0, len(panels), _COLUMNS):
        row = panels[at : at + _COLUMNS]
        for column, (panel, groups) in enumerate(row):
            x = _MARGIN + column * (_PANEL + _MARGIN)
            drawn += _draw(panel, groups, x, y)
        y += max(_height(groups) for _, groups in row) + 26
    shown = {peer for _, groups in panels for _, bars in groups for peer, _ in bars}
    peers = [peer for peer in results.peers if peer in shown]
    return "\n".join([*_head(peers, y), *drawn, "</svg>", ""])


_Group = tuple[str, list[tuple[str, float]]]
"""A mode and the figures of the peers."""


def _groups(results: Results, panel: _Panel) -> Iterator[_Group]:
    for mode in results.modes:
        bars = [
            (peer, summary.median)
            for peer in results.peers
            if peer not in panel.without
            and (summary := results.summary(mode, panel.case, peer, panel.metric))
        ]
        if bars:
            yield mode, bars


def _height(groups: Sequence[_Group]) -> float:
    return _HEAD + sum(len(bars) * _BAR + _GROUP_GAP for _, bars in groups)


def _head(peers: Sequence[str], height: float) -> Iterator[str]:
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height:.0f}" '
        f'width="{_WIDTH}" height="{height:.0f}" font-family="system-ui, sans-serif" '
        'font-size="11" fill="#30363d">'
    )
    yield f'<rect width="{_WIDTH}" height="{height:.0f}" fill="#ffffff"/>'
    yield _text(_MARGIN, 28, "One server process on one core, beside others", size=16, weight=600)
    x = float(_MARGIN)
    for peer in peers:
        name = _NAMES.get(peer, peer)
        yield f'<rect x="{x}" y="43" width="11" height="11" fill="{_colour(peer)}"/>'
        yield _text(x + 17, 53, name, size=12)
        x += 40 + len(name) * 6.6


def _draw(panel: _Panel, groups: Sequence[_Group], x: float, y: float) -> Iterator[str]:
    yield _text(x, y + 14, panel.title, size=13, weight=600)
    yield _text(x, y + 30, panel.unit, colour="#6e7781")
    most = max(value for _, bars in groups for _, value in bars) or 1.0
    top = y + _HEAD
    for mode, bars in groups:
        middle = top + len(bars) * _BAR / 2 + 4
        yield _text(x, middle, mode, colour="#57606a")
        for number, (peer, value) in enumerate(bars):
            at = top + number * _BAR
            width = max(1.0, (_PANEL - _LABEL - _VALUE) * value / most)
            ours = peer == "sionamespace"
            yield (
                f'<rect x="{x + _LABEL:.1f}" y="{at:.1f}" width="{width:.1f}" '
                f'height="{_BAR - 3}" rx="1.5" fill="{_colour(peer)}"/>'
            )
            yield _text(
                x + _LABEL + width + 5,
                at + _BAR - 4.5,
                _number(value),
                size=10,
                weight=600 if ours else 400,
            )
        top += len(bars) * _BAR + _GROUP_GAP


def _colour(peer: str) -> str:
    return _COLOURS.get(peer, _OTHER)


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _text(
    x: float, y: float, text: str, size: int = 11, weight: int = 400, colour: str | None = None
) -> str:
    fill = f' fill="{colour}"' if colour else ""
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" font-weight="{weight}"{fill}>'
        f"{escape(text, quote=False)}</text>"
    )
