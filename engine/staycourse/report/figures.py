"""Loss curves as SVG: one figure a phase, readable on light and dark pages, the same bytes each time.

What takes matplotlib is in here and in `study_figures`, and imports it only when a figure is drawn.
"""

from __future__ import annotations

import io
import math
import warnings
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from staycourse.report.curves import Chart, Line

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure

# Middle tones: each stands out from white and from GitHub's dark page by a contrast of 3 or more.
INK = "#7a828b"
COLOURS = ("#2f81f7", "#d9730d", "#2da44e", "#bf5af2", "#e5534b")
_THIN, _THICK = 0.8, 1.9
_BAND = 0.22
_INCHES = (8.0, 3.6)
# Room for figures of nine signs, and above for each row of the legend. (A layout that measures the text takes
# as long as all the rest.)
_MARGINS = {"left": 0.11, "right": 0.985, "bottom": 0.135}
_TOP, _LEGEND_ROW = 0.96, 0.055
# The upper end of an axis leaves out the worst of the values: a diverging trial would flatten all others.
_KEPT = 0.97
_DECADE = 10.0
# Columns of the legend by the length of its longest label, so that it is no wider than the axes.
_COLUMNS = ((3, 28), (2, 45), (1, 10_000))


def draw(chart: Chart) -> str:
    """The chart as the text of an SVG file."""
    return rendered(lambda figure: _plot(figure, chart), _INCHES)


def rendered(plot: Callable[[Figure], None], inches: tuple[float, float]) -> str:
    """What `plot` puts onto a figure of that size, as the text of an SVG file; no title, no background."""
    from matplotlib import rc_context, style
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    # Text becomes paths, so that every viewer shows the same; names of elements come from the salt.
    settings: Any = {  # typed as a literal for each of matplotlib's keys
        "svg.hashsalt": "staycourse",
        "svg.fonttype": "path",
        "text.parse_math": False,  # a name may hold dollar signs
        "path.simplify_threshold": 0.2,
    }
    with style.context("default"), rc_context(settings), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of signs that the font lacks
        figure = Figure(figsize=inches)
        FigureCanvasSVG(figure)
        plot(figure)
        buffer = io.StringIO()
        figure.savefig(
            buffer, format="svg", transparent=True, metadata={"Date": None, "Creator": "staycourse"}
        )
    return buffer.getvalue()


def scale(lines: Sequence[Line], goal: str) -> tuple[float, float, bool]:
    """(low, high, is logarithmic) of the axis of values: logarithmic where they are positive and span more
    than a decade; the worst few values of the lines in the background do not stretch it."""
    marked = sorted(value for line in lines if line.is_marked for _, value in line.points)
    around = (value for line in lines for _, low, high in line.band for value in (low, high))
    everything = sorted([*around, *(value for line in lines for _, value in line.points)])
    cut = everything[: max(1, round(len(everything) * _KEPT))]
    if goal == "max":
        cut = everything[len(everything) - max(1, round(len(everything) * _KEPT)) :]
    low, high = min([cut[0], *marked[:1]]), max([cut[-1], *marked[-1:]])
    return low, high, low > 0 and high / low > _DECADE


def _plot(figure: Figure, chart: Chart) -> None:
    axes = figure.add_subplot()
    marked = [line for line in chart.lines if line.is_marked]
    handles: dict[int, Any] = {}
    for line in sorted(chart.lines, key=lambda line: line.is_marked):
        group = line.group if line.group is not None else marked.index(line) if line.is_marked else None
        colour = INK if group is None else COLOURS[group % len(COLOURS)]
        epochs, values = zip(*line.points, strict=True)
        (curve,) = axes.plot(
            epochs,
            values,
            color=colour,
            linewidth=_THICK if line.is_marked else _THIN,
            alpha=1.0 if line.is_marked else 0.5,
            marker="o" if len(line.points) == 1 else None,
        )
        if line.band:
            reached, lows, highs = zip(*line.band, strict=True)
            axes.fill_between(reached, lows, highs, color=colour, alpha=_BAND, linewidth=0)
        if line.is_marked:
            handles[id(line)] = curve
        if line.best is not None:
            axes.plot(*line.best, "o", color=colour, markersize=5)
    _dress(axes, chart)
    labels = [line.label for line in marked]
    rows = math.ceil(len(labels) / _columns(labels))
    figure.subplots_adjust(**_MARGINS, top=_TOP - _LEGEND_ROW * rows)
    _legend(axes, [(handles[id(line)], line.label) for line in marked])


def _dress(axes: Axes, chart: Chart) -> None:
    from matplotlib.ticker import MaxNLocator

    low, high, is_log = scale(chart.lines, chart.goal)
    if is_log:
        axes.set_yscale("log")
        axes.set_ylim(low * 0.9, high * 1.1)
        log_ticks(axes.yaxis, low, high)
    else:
        margin = 0.05 * (high - low) or abs(low) * 0.05 or 1.0
        axes.set_ylim(low - margin, high + margin)
    axes.set_xlim(left=0)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_xlabel("epoch", color=INK)
    axes.set_ylabel(chart.metric[:60], color=INK)
    dress(axes)


def dress(axes: Axes) -> None:
    """The house's spines, ticks and grid."""
    axes.tick_params(colors=INK, which="both", labelsize="small")
    for side, spine in axes.spines.items():
        spine.set_color(INK)
        spine.set_visible(side in ("left", "bottom"))
    axes.grid(True, which="major", color=INK, alpha=0.25, linewidth=0.6)


def log_ticks(axis: Axis, low: float, high: float) -> None:
    """Few decades leave room for figures between the powers of ten, all of them as plain numbers."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    decades = math.log10(high / low)
    subs = (1.0, 2.0, 5.0) if decades < 3 else (1.0,)
    axis.set_major_locator(LogLocator(subs=subs, numticks=12))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.4g}"))
    axis.set_minor_formatter(NullFormatter())


def _columns(labels: Sequence[str]) -> int:
    widest = max(map(len, labels), default=0)
    return next(columns for columns, longest in _COLUMNS if widest <= longest)


def _legend(axes: Axes, handles: Sequence[tuple[Any, str]]) -> None:
    """Above the curves, where it hides none."""
    if not handles:
        return
    legend = axes.legend(
        [handle for handle, _ in handles],
        ["·"] * len(handles),
        loc="lower left",
        bbox_to_anchor=(0.0, 1.0),
        ncols=_columns([label for _, label in handles]),
        frameon=False,
        labelcolor=INK,
        fontsize="small",
    )
    for text, (_, label) in zip(legend.get_texts(), handles, strict=True):
        text.set_text(label)  # as a label of the legend, one that begins with an underscore would be left out
