"""Plots as SVG that takes its colours and its font from the page around it.

matplotlib draws with sentinel colours; each is then replaced by a CSS variable, so that one
picture reads in light and in dark. Every id gets the figure's prefix: clip paths of two figures
on one page must not meet.
"""

from __future__ import annotations

import io
import re
import warnings
from html import escape
from typing import TYPE_CHECKING, Any, Literal

from common.acceptance.figures import Plot, Series
from common.errors import MissingExtraError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis

SIZE_IN = (4.7, 3.0)  # small, so that its 9 pt read on a phone
INK, GRID, TARGET = "#010101", "#020202", "#030303"
COLOURS = tuple(f"#0400{i:02x}" for i in range(1, 7))
DASHES: tuple[Any, ...] = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)), (0, (8, 2)))
MARKERS = "osD^vX"  # dashes and markers tell series apart without colour
VARIABLES = {
    INK: "var(--ink)",
    GRID: "var(--rule)",
    TARGET: "var(--target)",
    **{colour: f"var(--series-{i})" for i, colour in enumerate(COLOURS, 1)},
}
STYLE: dict[str, Any] = {
    "svg.fonttype": "none",
    "text.parse_math": False,  # a name with a dollar is a name
    "font.size": 9,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "grid.color": GRID,
    "grid.linewidth": 0.6,
    "lines.linewidth": 1.4,
    "lines.markersize": 3.5,
    "legend.frameon": False,
}


def svg(plot: Plot, prefix: str) -> str:
    """An inline SVG of `plot`; `prefix` is unique on the page.

    Raises MissingExtraError where matplotlib is not installed.
    """
    try:
        import matplotlib
        from matplotlib.backends.backend_svg import FigureCanvasSVG
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingExtraError("matplotlib", "report") from error
    drawn = io.BytesIO()
    style: Any = {**STYLE, "svg.hashsalt": prefix}
    with matplotlib.rc_context(style), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing")  # the browser has the glyphs
        figure = Figure(figsize=SIZE_IN, layout="constrained")
        FigureCanvasSVG(figure)
        _draw(figure.add_subplot(), plot)
        figure.savefig(drawn, format="svg", transparent=True, metadata={"Date": None})
    return _themed(drawn.getvalue().decode(), plot, prefix)


def _draw(axes: Axes, plot: Plot) -> None:
    for place, series in enumerate(plot.series):
        _draw_series(axes, series, place)
    for line in plot.lines:
        draw = axes.axhline if line.axis == "y" else axes.axvline
        draw(line.value, color=TARGET, linestyle=(0, (4, 3)), linewidth=1.1, label=line.name)
    if plot.x_log:
        axes.set_xscale("log", nonpositive="clip")
        _plain_numbers(axes.xaxis, axes.get_xlim())
    if plot.y_log:
        axes.set_yscale("log", nonpositive="clip")
        _plain_numbers(axes.yaxis, axes.get_ylim())
    axes.set_xlabel(plot.x_label)
    axes.set_ylabel(plot.y_label)
    axes.grid(True)
    axes.set_axisbelow(True)
    if len(plot.series) + len(plot.lines) > 1:
        axes.legend(fontsize=8)


def _plain_numbers(axis: Axis, limits: tuple[float, float]) -> None:
    """0.01, 0.1, 1 on a logarithmic axis; the marks between them too where it is short."""
    from matplotlib.ticker import FuncFormatter, NullFormatter

    plain = FuncFormatter(lambda value, _: f"{value:g}")
    axis.set_major_formatter(plain)
    axis.set_minor_formatter(plain if limits[1] < 10 * limits[0] else NullFormatter())


def _draw_series(axes: Axes, series: Series, place: int) -> None:
    i = place % len(COLOURS)
    again = (place + place // len(COLOURS)) % len(DASHES)  # a colour that returns looks different
    colour, marker, dash, name = COLOURS[i], MARKERS[again], DASHES[again], series.name
    x, y = list(series.x), list(series.y)
    band = series.low is not None and series.high is not None
    low, high = list(series.low or ()), list(series.high or ())
    if series.kind == "points" and band:
        below = [max(0.0, a - b) for a, b in zip(y, low, strict=True)]
        above = [max(0.0, b - a) for a, b in zip(y, high, strict=True)]
        axes.errorbar(
            *(x, y, (below, above)), fmt=marker, capsize=2, elinewidth=0.8, color=colour, label=name
        )
    elif series.kind == "points":
        axes.plot(x, y, linestyle="none", marker=marker, color=colour, label=name)
    else:
        style = "steps-post" if series.kind == "step" else "default"
        axes.plot(x, y, drawstyle=style, linestyle=dash, color=colour, label=name)
        if band:
            step: Literal["post"] | None = "post" if series.kind == "step" else None
            axes.fill_between(x, low, high, step=step, color=colour, alpha=0.15, linewidth=0)


def _themed(text: str, plot: Plot, prefix: str) -> str:
    """Only the drawing: no prolog, no metadata, no namespaces; colours and font from the page."""
    body = text[text.index("<defs>") if "<defs>" in text else text.index("<g ") :]
    box = re.search(r'viewBox="([\d. ]+)"', text)
    for sentinel, variable in VARIABLES.items():
        body = body.replace(sentinel, variable)
    body = re.sub(r"<style.*?</style>", "", body, flags=re.DOTALL)  # it would reach the whole page
    body = re.sub(r"font-family: [^;\"]*", "font-family: var(--font)", body)
    body = re.sub(r"font: ([\d.]+)px [^;\"]*", r"font: \1px var(--font)", body)  # matplotlib 3.10
    body = re.sub(r'\bid="', f'id="{prefix}-', body)
    body = body.replace("url(#", f"url(#{prefix}-").replace('xlink:href="#', f'href="#{prefix}-')
    label = escape(f"{plot.title}. {plot.y_label} against {plot.x_label}")
    view = box.group(1) if box else "0 0 338 216"
    return f'<svg viewBox="{view}" role="img" aria-label="{label}">{body}'
