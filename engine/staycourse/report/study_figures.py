"""Figures of what the hyperparameters did: shares, the score against each, and parallel coordinates."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from staycourse.core.space import Choice, Interval, format_value
from staycourse.report.figures import COLOURS, INK, dress, log_ticks, rendered
from staycourse.report.importance import Importance
from staycourse.report.study import Column, Row, Study

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

GOOD, WINNER, FAILED = COLOURS[0], COLOURS[1], COLOURS[4]
_WIDTH, _PANEL_HEIGHT = 8.0, 2.3
_MOST_ROWS = 400
_DECADE, _LOG_RANGE = 10.0, 4.0
# The worst tenth of the scores does not stretch the axis; it stands at its end.
_KEPT = 0.9
_ABSENT = -0.12


def draw_importance(found: Importance) -> str:
    """Bars: by itself in full colour, what interactions add to it paler."""
    shares = sorted(found.shares, key=lambda share: share.total)
    return rendered(lambda figure: _bars(figure, found, shares), (_WIDTH, 0.75 + 0.3 * len(shares)))


def draw_axes(study: Study) -> str:
    """A panel for each hyperparameter, the score against its value."""
    height = _PANEL_HEIGHT * math.ceil(len(study.columns) / _across(study)) + 0.35
    return rendered(lambda figure: _panels(figure, study, height), (_WIDTH, height))


def draw_parallel(study: Study) -> str:
    """A line for each trial, across the hyperparameters to its score."""
    return rendered(lambda figure: _parallel(figure, study), (_WIDTH, 3.4))


def _bars(figure: Figure, found: Importance, shares: Sequence[Any]) -> None:
    axes = figure.add_subplot()
    places = range(len(shares))
    axes.barh(places, [share.total for share in shares], color=GOOD, alpha=0.35, height=0.62)
    axes.barh(places, [share.main for share in shares], color=GOOD, height=0.62)
    for place, share in zip(places, shares, strict=True):
        axes.text(share.total + 0.01, place, _percents(share), va="center", color=INK, fontsize="small")
    dress(axes)
    axes.grid(False, axis="y")
    axes.set_yticks(places, [share.name[:24] for share in shares])
    axes.set_xlim(0, 1.12)
    ticks = [at / 5 for at in range(6)]
    axes.set_xticks(ticks, [f"{tick:.0%}" for tick in ticks])
    axes.set_xlabel("share of the variance: alone, and with interactions (pale)", color=INK, fontsize="small")
    height = 0.75 + 0.3 * len(shares)
    figure.subplots_adjust(left=0.2, right=0.985, top=1 - 0.06 / height, bottom=0.5 / height)


def _percents(share: Any) -> str:
    more = f" ({share.total:.0%})" if share.total > share.main else ""
    return f"{share.main:.0%}{more}"


def _across(study: Study) -> int:
    """Panels side by side: three, or two where that leaves no gap."""
    return 2 if len(study.columns) == 4 else min(3, len(study.columns))


def _panels(figure: Figure, study: Study, height: float) -> None:
    low, high, is_log = score_axis(study)
    across = _across(study)
    rows = math.ceil(len(study.columns) / across)
    for at, column in enumerate(study.columns):
        axes = figure.add_subplot(rows, across, at + 1)
        _score_axis(axes, low, high, is_log)
        (_option_panel if isinstance(column.h, Choice) else _range_panel)(axes, column)
        _points(axes, study, column, low, high)
        dress(axes)
        axes.set_xlabel(column.name[:30], color=INK, fontsize="small")
        if at % across == 0:
            axes.set_ylabel(study.metric[:30], color=INK, fontsize="small")
        else:
            axes.tick_params(labelleft=False)
    figure.subplots_adjust(
        left=0.09, right=0.985, top=1 - 0.4 / height, bottom=0.5 / height, wspace=0.1, hspace=0.42
    )
    _key(figure, study, 1 - 0.02 / height)


def score_axis(study: Study) -> tuple[float, float, bool]:
    """(low, high, is logarithmic) of the axis of scores; the worst tenth does not stretch it."""
    scores = [row.score for row in study.scored if row.score is not None]
    kept = scores[: max(2, math.ceil(len(scores) * _KEPT))]
    low, high = min(kept), max(kept)
    if low > 0 and high / low > _LOG_RANGE:
        return low / (high / low) ** 0.06, high * (high / low) ** 0.14, True
    span = high - low or abs(low) * 0.1 or 1.0
    return low - 0.06 * span, high + 0.14 * span, False


def _score_axis(axes: Axes, low: float, high: float, is_log: bool) -> None:
    from matplotlib.ticker import MaxNLocator

    if is_log:
        axes.set_yscale("log")
        _few_ticks(axes.yaxis, low, high)
    else:
        axes.yaxis.set_major_locator(MaxNLocator(5))
    axes.set_ylim(low, high)


def _few_ticks(axis: Any, low: float, high: float) -> None:
    """Without the small ones, which take as long as all the rest of a figure."""
    from matplotlib.ticker import NullLocator

    log_ticks(axis, low, high)
    axis.set_minor_locator(NullLocator())


def _range_panel(axes: Axes, column: Column) -> None:
    """The whole range in its scale, the part that was handed on shaded."""
    from matplotlib.ticker import MaxNLocator

    low, high = _reach(column.h)
    if isinstance(column.h, Interval) and column.h.log:
        axes.set_xscale("log")
        _few_ticks(axes.xaxis, low, high)
        margin = (high / low) ** 0.04
        axes.set_xlim(low / margin, high * margin)
    else:
        axes.xaxis.set_major_locator(MaxNLocator(5))
        axes.set_xlim(low - 0.04 * (high - low), high + 0.04 * (high - low))
    if column.after is not None:
        axes.axvspan(*_reach(column.after), color=GOOD, alpha=0.16, linewidth=0)


def _reach(h: Any) -> tuple[float, float]:
    """From the lowest to the highest bound, whatever options they depend on."""
    return min([h.low, *(b.low for b in h.by)]), max([h.high, *(b.high for b in h.by)])


def _option_panel(axes: Axes, column: Column) -> None:
    """A column for each option, those that were handed on shaded if not all were."""
    assert isinstance(column.h, Choice)
    options = column.h.options
    axes.set_xlim(-0.5, len(options) - 0.5)
    width = max(4, 24 // len(options))
    axes.set_xticks(range(len(options)), [format_value(option)[:width] for option in options])
    after = column.after.options if isinstance(column.after, Choice) else options
    if len(after) < len(options):
        for option in after:
            place = column.option(option)
            axes.axvspan(place - 0.46, place + 0.46, color=GOOD, alpha=0.16, linewidth=0)


def _points(axes: Axes, study: Study, column: Column, low: float, high: float) -> None:
    """Best above the others; failures at the bad end, which is the upper one of a loss."""
    worst = high if study.goal == "min" else low
    few = {row.trial for row in study.best_few}
    best = study.scored[0].trial
    styles: dict[str, tuple[list[float], list[float]]] = {}
    for at, row in enumerate(study.rows[:_MOST_ROWS]):
        if column.name not in row.setup:
            continue
        kind = "failed" if row.score is None else "best" if row.trial == best else "good"
        if kind == "good" and row.trial not in few:
            kind = "rest"
        score = worst if row.score is None else row.score
        if row.score is not None and not low <= score <= high:
            kind, score = "beyond", worst
        xs, ys = styles.setdefault(kind, ([], []))
        xs.append(_place(column, row, at))
        ys.append(score)
    for order, (kind, style) in enumerate(_STYLES.items()):
        if kind in styles:
            axes.plot(*styles[kind], linestyle="none", zorder=3 + order, clip_on=False, **style)


_STYLES: dict[str, dict[str, Any]] = {
    "rest": {"marker": "o", "color": INK, "markersize": 4, "alpha": 0.75, "markeredgewidth": 0},
    "beyond": {"marker": 6, "color": INK, "markersize": 5, "alpha": 0.75, "markeredgewidth": 0},
    "failed": {"marker": "x", "color": FAILED, "markersize": 5},
    "good": {"marker": "o", "color": GOOD, "markersize": 4.5, "markeredgewidth": 0},
    "best": {"marker": "*", "color": WINNER, "markersize": 10, "markeredgewidth": 0},
}


def _place(column: Column, row: Row, at: int) -> float:
    """The value; within an option's column spread evenly by the golden ratio, so that none hides another."""
    value = row.setup[column.name]
    if isinstance(column.h, Choice):
        return column.option(value) + 0.6 * ((at * 0.618034) % 1.0 - 0.5)
    return float(value)


def _key(figure: Figure, study: Study, top: float) -> None:
    """One legend for all panels, of what there is."""
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    low, high, _ = score_axis(study)
    is_beyond = any(row.score is not None and not low <= row.score <= high for row in study.scored)
    words = {
        "best": f"best ({study.scored[0].trial})",
        "good": f"best {len(study.best_few)}",
        "rest": "others",
    }
    words |= {"beyond": "off the scale"} if is_beyond else {}
    words |= {"failed": "no score"} if len(study.scored) < len(study.rows) else {}
    handles: list[Any] = [Line2D([], [], linestyle="none", **_STYLES[kind]) for kind in words]
    labels = list(words.values())
    if any(column.after is not None for column in study.columns):
        handles.append(Patch(color=GOOD, alpha=0.16, linewidth=0))
        labels.append("handed on")
    figure.legend(
        handles, labels, loc="upper left", bbox_to_anchor=(0.08, top), ncols=len(labels), frameon=False,
        labelcolor=INK, fontsize="small", columnspacing=1.2, handletextpad=0.4, borderaxespad=0.0,
    )  # fmt: skip


def _parallel(figure: Figure, study: Study) -> None:
    axes = figure.add_subplot()
    low, high, is_log = score_axis(study)
    height = _unit_of(low, high, is_log)
    few = {row.trial for row in study.best_few}
    for row in reversed(study.rows[:_MOST_ROWS]):
        ys = [_height(column, row) for column in study.columns]
        if row.score is not None:
            ys.append(height(row.score))
        is_best, is_good = row.trial == study.scored[0].trial, row.trial in few
        colour = WINNER if is_best else GOOD if is_good else FAILED if row.score is None else INK
        axes.plot(
            range(len(ys)), ys, color=colour, linewidth=2.2 if is_best else 1.3 if is_good else 0.8,
            alpha=1.0 if is_best else 0.85 if is_good else 0.7 if row.score is None else 0.4,
            linestyle=":" if row.score is None else "-", marker="o", markersize=3 if is_good else 2,
        )  # fmt: skip
    _parallel_axes(axes, study, low, high)
    figure.subplots_adjust(left=0.04, right=0.96, top=0.85, bottom=0.03)


def _height(column: Column, row: Row) -> float:
    """Along an axis with the ends that are written at it, whatever options the bounds depend on."""
    if column.name not in row.setup:
        return _ABSENT
    if isinstance(column.h, Interval):
        low, high = _reach(column.h)
        return replace(column.h, low=low, high=high, by=()).to_unit(float(row.setup[column.name]))
    return column.unit(row.setup) or 0.0


def _unit_of(low: float, high: float, is_log: bool) -> Callable[[float], float]:
    def height(score: float) -> float:
        bounded = min(high, max(low, score))
        if is_log:
            return math.log(bounded / low) / math.log(high / low)
        return (bounded - low) / (high - low)

    return height


def _parallel_axes(axes: Axes, study: Study, low: float, high: float) -> None:
    """Upright lines with their ends, or their options, written beside them."""
    last = len(study.columns)
    for at, column in enumerate(study.columns):
        is_absent = any(column.name not in row.setup for row in study.rows)
        axes.plot([at, at], [0, 1], color=INK, alpha=0.5, linewidth=0.8)
        _write(axes, at, 1.13, column.name[:16], weight="bold")
        if is_absent:
            _write(axes, at, _ABSENT - 0.07, "absent")
        if isinstance(column.h, Choice):
            for option in column.h.options:
                height = (column.option(option) + 0.5) / len(column.h.options)
                _write(axes, at, height + 0.035, format_value(option)[:12], side="left")
        else:
            bottom, top = _reach(column.h)
            _write(axes, at, 1.045, format_value(top))
            _write(
                axes,
                at,
                0.0 if is_absent else -0.05,
                format_value(bottom),
                side="left" if is_absent else "center",
            )
    axes.plot([last, last], [0, 1], color=INK, alpha=0.5, linewidth=0.8)
    _write(axes, last, 1.13, study.metric[:16], weight="bold")
    _write(axes, last, 1.045, f"{high:.3g}")
    _write(axes, last, -0.05, f"{low:.3g}")
    axes.set_ylim(_ABSENT - 0.1, 1.0)
    axes.set_xlim(-0.3, last + 0.3)
    axes.set_axis_off()


def _write(
    axes: Axes, x: float, y: float, words: str, *, side: str = "center", weight: str = "normal"
) -> None:
    axes.text(
        x + (0.03 if side == "left" else 0), y, words, ha=side, va="center", color=INK, fontsize="small",
        fontweight=weight, clip_on=False,
    )  # fmt: skip
