"""A bar chart of the last days by outcome, as SVG; the page's style sheet gives the colours."""

from collections.abc import Mapping, Sequence
from datetime import date
from xml.etree import ElementTree as Xml

_WIDTH, _HEIGHT, _LEFT, _BOTTOM = 820, 140, 34, 22
_GAP = 0.28  # of a bar's place
_TICKS = (1, 2, 4, 6, 8)


def bars(days: Sequence[tuple[date, Mapping[str, int]]]) -> str:
    """One stacked bar for each day."""
    top = _round(max([sum(counts.values()) for _, counts in days], default=0))
    svg = Xml.Element(
        "svg", xmlns="http://www.w3.org/2000/svg", viewBox=f"0 0 {_WIDTH} {_HEIGHT}", role="img"
    )
    svg.set("aria-label", _says(days))
    height = _HEIGHT - _BOTTOM - 10
    for value in (0, top // 2, top) if top > 1 else (0, top):
        y = _HEIGHT - _BOTTOM - height * value / top
        line = Xml.SubElement(svg, "line", {"class": "grid"})
        for name, number in (("x1", _LEFT), ("x2", _WIDTH), ("y1", y), ("y2", y)):
            line.set(name, f"{number:.1f}")
        _text(svg, f"{value}", (_LEFT - 6, y + 4), "end")
    place = (_WIDTH - _LEFT) / max(1, len(days))
    for number, (day, counts) in enumerate(days):
        x, y = _LEFT + place * (number + _GAP / 2), float(_HEIGHT - _BOTTOM)
        for outcome, count in counts.items():
            if count:
                part = height * count / top
                y -= part
                box = {"x": x, "y": y, "width": place * (1 - _GAP), "height": part}
                named = {name: f"{value:.1f}" for name, value in box.items()}
                bar = Xml.SubElement(svg, "rect", {"class": f"bar {outcome}", **named})
                Xml.SubElement(bar, "title").text = f"{day:%d %b}: {count} {outcome}"
        if (len(days) - 1 - number) % 2 == 0:
            _text(svg, f"{day:%d %b}", (x + place * (1 - _GAP) / 2, _HEIGHT - 6), "middle")
    return Xml.tostring(svg, encoding="unicode")


def _text(svg: Xml.Element, text: str, place: tuple[float, float], anchor: str) -> None:
    at = {"x": f"{place[0]:.1f}", "y": f"{place[1]:.1f}", "text-anchor": anchor}
    Xml.SubElement(svg, "text", at).text = text


def _round(highest: int) -> int:
    """The axis' end: the next 1, 2, 4, 6 or 8 times a power of ten; at least 1."""
    power = 1
    while True:
        for tick in _TICKS:
            if tick * power >= highest:
                return tick * power
        power *= 10


def _says(days: Sequence[tuple[date, Mapping[str, int]]]) -> str:
    total: dict[str, int] = {}
    for _, counts in days:
        for outcome, count in counts.items():
            total[outcome] = total.get(outcome, 0) + count
    said = ", ".join(f"{count} {outcome}" for outcome, count in total.items() if count) or "nothing"
    return f"Sign-ups of the last {len(days)} days by outcome: {said}"
