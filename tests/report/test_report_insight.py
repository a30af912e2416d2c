"""What the report says of the hyperparameters: shares, plots, and when it cannot tell."""

from __future__ import annotations

import math
import random
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest
from tests.report.eventful import eventful_run
from tests.support.sample_run import ROADMAP

from staycourse.core.space import Bounds, Choice, Condition, Interval, Setup, Space, Value
from staycourse.record.paths import RunPaths
from staycourse.report import study_figures, write_report
from staycourse.report.facts import read_facts
from staycourse.report.importance import importance
from staycourse.report.study import Column, Row, Study, study_of

SPACE = Space(
    (
        Interval("lr", 1e-4, 1e-1, log=True),
        Interval("width", 16, 128, log=True, integer=True),
        Choice("optimizer", ("adamw", "sgd")),
        Interval("momentum", 0.8, 0.98, when=(Condition("optimizer", ("sgd",)),)),
    )
)
Score = Callable[[Setup, random.Random], float]


def studied(count: int, score: Score, seed: int = 0, space: Space = SPACE, goal: str = "min") -> Study:
    """Random set-ups with a score by a formula; NaN stands for none."""
    rng = random.Random(seed)
    rows = []
    for at in range(count):
        values: dict[str, Value] = {}
        for h in space:
            is_choice = isinstance(h, Choice)
            values[h.name] = rng.choice(h.options) if is_choice else h.given(values).from_unit(rng.random())
        setup = space.active(values)
        value = score(setup, rng)
        rows.append(Row(f"t{at}", setup, None if math.isnan(value) else value))
    sign = 1 if goal == "min" else -1
    rows.sort(key=lambda row: (row.score is None, sign * (row.score or 0)))
    return Study("val_loss", goal, space, tuple(Column(h, None) for h in space), tuple(rows))


def by_lr(setup: Setup, rng: random.Random) -> float:
    return 1 + math.log10(float(setup["lr"]) / 3e-3) ** 2 + 0.02 * rng.gauss(0, 1)


def test_what_matters_has_the_variance() -> None:
    found = importance(studied(24, by_lr))
    assert found is not None
    assert found.explained > 0.8
    shares = {share.name: share for share in found.shares}
    assert shares["lr"].main > 0.9
    assert all(share.total < 0.05 for name, share in shares.items() if name != "lr")


def test_an_interaction_shows_in_the_total_only() -> None:
    def crossed(setup: Setup, rng: random.Random) -> float:
        sign = 1 if setup["optimizer"] == "sgd" else -1
        return 10 + sign * math.log10(float(setup["lr"]) / 3.16e-3) + 0.02 * rng.gauss(0, 1)

    found = importance(studied(40, crossed))
    assert found is not None
    shares = {share.name: share for share in found.shares}
    assert shares["lr"].main < 0.2 < 0.8 < shares["lr"].total
    assert shares["optimizer"].main < 0.2 < 0.8 < shares["optimizer"].total


def test_a_choice_and_what_exists_under_it_have_their_shares() -> None:
    def score(setup: Setup, rng: random.Random) -> float:
        is_sgd = setup["optimizer"] == "sgd"
        return 5 + (10 * (float(setup["momentum"]) - 0.89) if is_sgd else -1.0) + 0.02 * rng.gauss(0, 1)

    found = importance(studied(40, score))
    assert found is not None
    shares = {share.name: share.total for share in found.shares}
    assert shares["optimizer"] > 0.3
    assert shares["momentum"] > 0.1
    assert shares["lr"] < 0.05


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("count", [12, 24])
def test_noise_has_no_shares(seed: int, count: int) -> None:
    found = importance(studied(count, lambda setup, rng: 1 + rng.random(), seed))
    assert found is not None
    assert not found.shares


def test_too_few_scores_are_not_modelled() -> None:
    assert importance(studied(9, by_lr)) is None
    assert importance(studied(12, lambda setup, rng: 1.0)) is None


def test_equal_studies_have_equal_shares() -> None:
    assert importance(studied(16, by_lr)) == importance(studied(16, by_lr))


@pytest.mark.parametrize("goal", ["min", "max"])
def test_the_axis_of_scores_leaves_the_worst_out_and_holds_the_best(goal: str) -> None:
    sign = 1 if goal == "min" else -1

    def score(setup: Setup, rng: random.Random) -> float:
        return sign * (1e6 if float(setup["lr"]) > 9e-2 else 1 + rng.random())

    study = studied(60, score, goal=goal)
    low, high, _ = study_figures.score_axis(study)
    assert max(abs(low), abs(high)) < 10
    assert low < (study.scored[0].score or 0) < high


ODD = {
    "failures": lambda setup, rng: math.nan if float(setup["lr"]) > 1e-2 else by_lr(setup, rng),
    "equal": lambda setup, rng: 1.0,
    "far apart": lambda setup, rng: 10.0 ** rng.randint(-30, 30),
    "zero": lambda setup, rng: 0.0,
}


@pytest.mark.parametrize("name", ODD)
def test_odd_scores_are_drawn(name: str) -> None:
    study = studied(20, ODD[name])
    for text in (study_figures.draw_axes(study), study_figures.draw_parallel(study)):
        ElementTree.fromstring(text)


def test_ranges_that_depend_on_an_option_and_hostile_names_are_drawn() -> None:
    by = (Bounds("_$\\frac{$", "<b>&amp;", 1e-2, 1.0),)
    space = Space((Choice("_$\\frac{$", ("<b>&amp;", "模型 🙂")), Interval("lr", 1e-4, 1e-2, True, by=by)))
    study = studied(20, lambda setup, rng: float(setup["lr"]) + 0.1 * rng.random(), space=space)
    for text in (study_figures.draw_axes(study), study_figures.draw_parallel(study)):
        ElementTree.fromstring(text)
    assert all(0 <= (study.columns[1].unit(row.setup) or 0) <= 1 for row in study.rows)
    assert importance(study) is not None


@pytest.mark.parametrize("columns", range(1, 8))
def test_any_number_of_hyperparameters_has_room(columns: int) -> None:
    space = Space(tuple(Interval(f"h{at}", 0.0, 1.0) for at in range(columns)))
    study = studied(12, lambda setup, rng: rng.random(), space=space)
    ElementTree.fromstring(study_figures.draw_axes(study))


def test_a_searched_phase_has_shares_axes_and_parallel_coordinates(finished: RunPaths) -> None:
    narrow = finished.report.read_text().partition("### Phase 2: narrow")[2].partition("\n### ")[0]
    images = dict(re.findall(r"!\[(.*)\]\(figures/(.*)\)", narrow))
    assert {name: alternative for alternative, name in images.items()}.keys() == {
        "2-narrow.svg", "2-narrow-importance.svg", "2-narrow-axes.svg", "2-narrow-parallel.svg"
    }  # fmt: skip
    found = importance(study_of(read_facts(finished), 1))  # type: ignore[arg-type]  # it has one
    assert found is not None
    best = max(found.shares, key=lambda share: share.total)
    assert any(f"{best.name} {best.main:.0%} ({best.total:.0%})" in words for words in images)
    assert f"explains {found.explained:.0%} of the variance" in narrow


def test_the_range_that_was_handed_on_is_known_to_the_plot(finished: RunPaths) -> None:
    facts = read_facts(finished)
    study = study_of(facts, 1)
    assert study is not None
    handed = facts.state.handoffs[1].space
    for column in study.columns:
        before = facts.state.handoffs[0].space.get(column.name)
        changed = handed.get(column.name) if handed.get(column.name) != before else None
        assert column.after == changed
    assert any(column.after is not None for column in study.columns)


def test_a_grid_shows_its_points_and_not_what_went_on(finished: RunPaths) -> None:
    facts = read_facts(finished)
    study = study_of(facts, 2)
    assert study is not None
    assert {row.trial for row in study.rows} == {
        trial.id for trial in facts.state.trials_of(2) if trial.plan.parent is None
    }
    assert {column.name for column in study.columns} == {"lr", "batch_size"}


def test_few_scores_have_no_plots_and_confirm_has_none(finished: RunPaths, run: Path) -> None:
    assert study_of(read_facts(finished), 3) is None
    head = ROADMAP.split("[[phase]]")[0]
    text = f'{head}[[phase]]\nkind = "probe"\ntrials = 4\nepochs = 5\n'
    paths = eventful_run(run, roadmap_text=text)
    assert "What the hyperparameters did" not in write_report(paths).read_text()


def test_where_it_cannot_tell_it_says_so(finished: RunPaths) -> None:
    grid = finished.report.read_text().partition("### Phase 3: grid")[2].partition("\n### ")[0]
    assert "cannot tell from 9 scores" in grid
    assert "3-grid-importance" not in grid


def test_the_report_does_without_torch(finished: RunPaths, tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from staycourse.record.paths import RunPaths; "
        "from staycourse.report import write_report; write_report(RunPaths(Path(sys.argv[1])), "
        "Path(sys.argv[2])); assert 'sklearn' in sys.modules; assert 'torch' not in sys.modules"
    )
    command = [sys.executable, "-c", code, str(finished.root), str(tmp_path / "report.md")]
    subprocess.run(command, check=True)


def test_many_trials_stay_small_figures() -> None:
    study = studied(500, by_lr)
    assert len(study_figures.draw_axes(study)) < 1_000_000
    assert len(study_figures.draw_parallel(study)) < 1_000_000
