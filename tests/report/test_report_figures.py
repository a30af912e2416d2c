"""Figures: valid SVG, the same bytes each time, readable on light and dark, unmoved by hostile names."""

from __future__ import annotations

import math
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest
from tests.report.eventful import COMPARE, eventful_run
from tests.support.sample_run import ROADMAP

from staycourse.record.paths import RunPaths
from staycourse.report import figures
from staycourse.report.curves import MOST_LINES, MOST_POINTS, Chart, Line, chart_of
from staycourse.report.facts import read_facts

GRAPHIC = "{http://www.w3.org/2000/svg}"
LIGHT, DARK = "#ffffff", "#0d1117"


def falling(epochs: int = 40, start: float = 2.0) -> tuple[tuple[int, float], ...]:
    return tuple((epoch, start * math.exp(-epoch / 10) + 0.01) for epoch in range(1, epochs + 1))


def contrast(one: str, other: str) -> float:
    """Ratio of relative luminances (WCAG 2)."""

    def luminance(colour: str) -> float:
        parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_every_phase_has_a_valid_figure(finished: RunPaths) -> None:
    drawn = sorted(finished.figures.iterdir())
    assert [path.name for path in drawn] == [
        "1-probe-axes.svg", "1-probe-parallel.svg", "1-probe.svg", "2-narrow-axes.svg",
        "2-narrow-importance.svg", "2-narrow-parallel.svg", "2-narrow.svg", "3-grid-axes.svg", "3-grid.svg",
        "4-confirm.svg", "5-final.svg",
    ]  # fmt: skip
    for path in drawn:
        root = ElementTree.fromstring(path.read_bytes())
        assert root.tag == f"{GRAPHIC}svg"
        assert len(root.findall(f".//{GRAPHIC}path")) > 5
        assert not root.findall(f".//{GRAPHIC}image")


def test_another_process_with_settings_of_its_own_draws_the_same_bytes(
    finished: RunPaths, tmp_path: Path
) -> None:
    (tmp_path / "matplotlibrc").write_text("figure.facecolor: red\nlines.linewidth: 9\nsvg.fonttype: none\n")
    environment = {**os.environ, "MATPLOTLIBRC": str(tmp_path), "PYTHONHASHSEED": "7", "MPLBACKEND": "tkagg"}
    command = [sys.executable, "-m", "staycourse.report", str(finished.root)]
    before = {path: path.read_bytes() for path in finished.figures.iterdir()}
    subprocess.run(command, check=True, capture_output=True, env=environment)
    assert before == {path: path.read_bytes() for path in finished.figures.iterdir()}


@pytest.mark.parametrize("colour", [figures.INK, *figures.COLOURS])
def test_colours_stand_out_from_light_and_dark_pages(colour: str) -> None:
    assert contrast(colour, LIGHT) >= 3
    assert contrast(colour, DARK) >= 3


def test_the_page_shows_through() -> None:
    root = ElementTree.fromstring(figures.draw(Chart("val_loss", "min", (Line(falling()),))))
    fills = [path.get("style", "") for path in root.findall(f".//{GRAPHIC}path")]
    assert not [fill for fill in fills if "#ffffff" in fill]


def test_a_wide_span_of_positive_values_is_logarithmic() -> None:
    assert figures.scale([Line(falling())], "min")[2]
    assert not figures.scale([Line(((1, 0.5), (2, 0.4)))], "min")[2]
    assert not figures.scale([Line(((1, 50.0), (2, -0.4)))], "min")[2]


@pytest.mark.parametrize("goal", ["min", "max"])
def test_a_diverging_trial_does_not_flatten_the_others(goal: str) -> None:
    sign = 1 if goal == "min" else -1
    good = [Line(tuple((e, sign * v) for e, v in falling()), is_marked=at == 0) for at in range(9)]
    bad = Line(tuple((epoch, sign * 10.0**epoch) for epoch in range(5, 10)))
    low, high, _ = figures.scale([*good, bad], goal)
    assert max(abs(low), abs(high)) < 10


@pytest.mark.parametrize("name", ["_hidden", "$\\frac{$", "<b>&amp;", "模型 🙂", "a" * 500])
def test_hostile_names_are_drawn_as_text(name: str) -> None:
    chart = Chart(name, "min", (Line(falling(), True, name), Line(falling(start=3.0), True, "other")))
    ElementTree.fromstring(figures.draw(chart))


@pytest.mark.parametrize(
    "points", [((1, 0.5),), ((1, 0.0), (2, 0.0)), ((1, -1.0), (2, 1e300)), ((1, 1e-300), (2, 1.0))]
)
def test_odd_curves_are_drawn(points: tuple[tuple[int, float], ...]) -> None:
    ElementTree.fromstring(figures.draw(Chart("loss", "min", (Line(points, True, "t1", best=points[0]),))))


def test_confirm_has_a_mean_for_each_setup_and_its_seeds(finished: RunPaths) -> None:
    chart = chart_of(read_facts(finished), 3)
    assert chart is not None
    assert [line.label.split()[0] for line in chart.lines if line.is_marked] == [
        "batch_size=16", "batch_size=32", "batch_size=8"
    ]  # fmt: skip
    assert sum(not line.is_marked for line in chart.lines) == 6


def test_compare_has_a_mean_for_each_setup_in_a_band_of_its_seeds(run: Path) -> None:
    facts = read_facts(eventful_run(run, roadmap_text=COMPARE))
    chart = chart_of(facts, 1)
    assert chart is not None
    assert [line.label.split()[0] for line in chart.lines] == ["falling", "steady"]
    for line in chart.lines:
        name = line.label.split()[0]
        own = [dict(facts.curves[trial.id]) for trial in facts.state.trials_of(1) if trial.plan.name == name]
        assert len(own) == 3
        for epoch, low, high in line.band:
            values = [curve[epoch] for curve in own]
            assert (low, high) == (min(values), max(values))
        assert [epoch for epoch, _, _ in line.band] == [epoch for epoch, _ in line.points]
    drawn, bare = (figures.draw(replace(chart, lines=lines)) for lines in (chart.lines, _bare(chart)))
    assert drawn.count("PolyCollection") == bare.count("PolyCollection") + 2


def _bare(chart: Chart) -> tuple[Line, ...]:
    return tuple(replace(line, band=()) for line in chart.lines)


def test_final_shows_the_train_loss_where_nothing_is_held_out(finished: RunPaths) -> None:
    chart = chart_of(read_facts(finished), 4)
    assert chart is not None
    assert chart.metric == "train_loss"


def test_kept_trials_stand_for_the_whole_way_in_the_grids_figure(finished: RunPaths) -> None:
    facts = read_facts(finished)
    chart = chart_of(facts, 2)
    assert chart is not None
    kept = [trial for trial in facts.state.trials_of(2) if trial.plan.parent]
    assert {line.label.split()[0] for line in chart.lines if line.is_marked} == {trial.id for trial in kept}
    assert len(chart.lines) == len(facts.state.trials_of(2)) - len(kept)
    assert all(line.points[0][0] == 1 for line in chart.lines)


def test_many_trials_stay_a_small_figure(run: Path) -> None:
    chart = chart_of(read_facts(eventful_run(run, roadmap_text=probe(156, 30))), 0)
    assert chart is not None
    assert len(chart.lines) == MOST_LINES
    assert chart.left_out > 0
    assert len(figures.draw(chart)) < 1_000_000


def test_long_trials_are_thinned_and_keep_their_last_epoch(run: Path) -> None:
    chart = chart_of(read_facts(eventful_run(run, roadmap_text=probe(2, 1900))), 0)
    assert chart is not None
    assert max(len(line.points) for line in chart.lines) <= MOST_POINTS
    assert chart.lines[0].points[-1][0] == 1900


def probe(trials: int, epochs: int) -> str:
    head = ROADMAP.split("[[phase]]")[0]
    return f'{head}[[phase]]\nkind = "probe"\ntrials = {trials}\nepochs = {epochs}\n'
