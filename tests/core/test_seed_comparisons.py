"""What several seeds say of set-ups: paired tests, ties, the winner's expected value, a flat best."""

import random
import statistics

import pytest
from tests.support.roadmaps import CONFIRM, FINAL, GRID, PROBE, problems, small
from tests.support.simulate import campaign, smooth_loss

from staycourse.core.noise import jitter
from staycourse.core.outcome import Outcome
from staycourse.core.paired import difference
from staycourse.core.roadmap import parse
from staycourse.core.student import quantile, two_sided_p

LONG_GRID = GRID.replace("epochs = 6", "epochs = 12")
THREE_SEEDS = CONFIRM.replace("seeds = 2", "seeds = 3")


def noisy(own, jumps=0.0, shared=0.0):
    def loss(setup, repetition, epoch):
        seed = random.Random(f"{repetition}").gauss(0, shared)
        mine = random.Random(f"{sorted(setup.items())} {repetition}")
        each = random.Random(f"{sorted(setup.items())} {repetition} {epoch}")
        return smooth_loss(setup, 0, epoch) + seed + mine.gauss(0, own) + each.gauss(0, jumps)

    return loss


def play(text, **how):
    return list(campaign(parse(text), **how))


def test_students_distribution_equals_scipys():
    stats = pytest.importorskip("scipy.stats")
    for df in (1, 2, 3, 4.5, 8, 30, 200):
        for t in (0.0, 0.1, 1.0, 2.5, 12.0):
            assert two_sided_p(t, df) == pytest.approx(2 * stats.t.sf(t, df), abs=2e-9)
        for level in (0.9, 0.975, 0.9975):
            assert quantile(level, df) == pytest.approx(stats.t.ppf(level, df), rel=1e-6)


def test_what_a_seed_does_to_all_set_ups_cancels_out():
    first, second = {0: 1.0, 1: 9.0, 2: 5.0}, {0: 1.5, 1: 9.4, 2: 5.6}
    found = difference(first, second, [first, second])
    assert found.mean == pytest.approx(0.5)
    assert found.p() < 0.05
    low, high = found.interval()
    assert 0 < low < 0.5 < high


def test_two_set_ups_are_tested_as_paired_samples_are():
    stats = pytest.importorskip("scipy.stats")
    first, second = {0: 1.0, 1: 1.2, 2: 0.9, 3: 1.1}, {0: 1.1, 1: 1.15, 2: 1.2, 3: 1.3}
    theirs = stats.ttest_rel(list(second.values()), list(first.values())).pvalue
    assert difference(first, second, [first, second]).p() == pytest.approx(theirs, rel=1e-6)


def test_one_seed_has_a_difference_and_no_verdict():
    found = difference({0: 1.0}, {0: 2.0}, [])
    assert (found.mean, found.p(), found.interval()) == (1.0, None, None)


def test_the_jitter_of_a_curve_is_what_its_epochs_scatter_around_their_trend():
    rng = random.Random(1)
    found = [
        jitter(tuple((e, 5 / e + 0.01 * e + rng.gauss(0, 0.1)) for e in range(1, 61))) for _ in range(60)
    ]
    assert 0.08 < statistics.median(found) < 0.12
    assert jitter(tuple((e, 1 / e) for e in range(1, 60))) < 1e-4
    assert jitter(((1, 2.0), (2, 1.0))) is None


def test_a_grid_with_seeds_ranks_by_the_mean_over_them_and_every_seed_of_the_kept_goes_on():
    text = small(PROBE, LONG_GRID + 'seeds = 2\nkeep = 2\nties = "best"\nfinish = { epochs = 20 }\n', FINAL)
    _, grid, _ = play(text, loss=noisy(0.001))
    points = [trial for trial in grid.trials if trial.parent is None]
    finished = [trial for trial in grid.trials if trial.parent]
    assert len(points) == 6 * 2
    assert {trial.repetition for trial in points} == {0, 1}
    assert len(finished) == 2 * 2
    by_id = {trial.id: trial for trial in points}
    assert all(by_id[trial.parent].repetition == trial.repetition for trial in finished)
    assert [len(place.trials) for place in grid.handoff.ranking] == [2, 2]
    planned = parse(text).plan()[1]
    assert (planned.trials, planned.total_epochs) == (16, 12 * 12 + 4 * 8)


def test_set_ups_that_noise_cannot_separate_are_kept_up_to_the_declared_number():
    def kept(own, more):
        return len(
            play(small(PROBE, LONG_GRID + "seeds = 2\nkeep = 2\n" + more), loss=noisy(own))[1].handoff.ranking
        )

    assert kept(5.0, "") == 4
    assert kept(5.0, "keep_at_most = 3\n") == 3
    assert kept(5.0, 'ties = "best"\n') == 2
    assert kept(1e-6, "") == 2


def test_with_one_seed_the_curves_own_jitter_makes_ties():
    def kept(jumps):
        grid = play(small(PROBE, LONG_GRID + "keep = 2\n"), loss=noisy(0.0, jumps))[1]
        return grid.handoff.findings["ties"]

    assert (kept(3.0)["kept"], kept(3.0)["by"]) == (4, "curves")
    assert kept(0.0)["kept"] == 2


def test_the_plan_counts_the_ties_in_the_phases_after_too():
    planned = parse(small(PROBE, GRID + "keep = 2\n", CONFIRM)).plan()
    assert planned[2].trials == 4 * 2
    planned = parse(small(PROBE, GRID + 'keep = 2\nties = "best"\n', CONFIRM)).plan()
    assert planned[2].trials == 2 * 2


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ("keep = 3\nkeep_at_most = 2\n", "phase[2].keep_at_most: 2 is less than keep"),
        ('ties = "best"\nkeep_at_most = 9\n', 'phase[2].keep_at_most: with ties = "best"'),
        ("seeds = 2\nstop = { halving = { factor = 2, first = 1 } }\n", "phase[2].seeds: halving"),
    ],
)
def test_what_does_not_go_together_is_refused(more, said):
    (problem,) = problems(small(PROBE, GRID + more))
    assert said in problem


def test_a_set_up_of_which_a_seed_failed_does_not_win_by_the_others():
    text = small(PROBE, GRID + 'keep = 2\nties = "best"\n', CONFIRM)

    def ends(phase, need):
        failed = phase.kind == "confirm" and need.key == "setup-1-seed-0"
        return Outcome.DIVERGED if failed else Outcome.COMPLETED

    *_, grid, confirm = play(text, ends=ends)
    first, second = confirm.handoff.ranking
    assert second.setup == grid.handoff.ranking[0].setup
    assert second.score < first.score
    assert (len(first.trials), len(second.trials)) == (2, 1)


def test_confirm_tells_set_ups_apart_only_beyond_noise():
    def verdicts(own, shared):
        text = small(PROBE, LONG_GRID + 'keep = 2\nties = "best"\n', THREE_SEEDS)
        return [
            row["verdict"]
            for row in play(text, loss=noisy(own, shared=shared))[-1].handoff.findings["versus"]
        ]

    assert verdicts(1e-5, 5.0) == ["better beyond noise"]
    assert verdicts(1.0, 0.0) == ["cannot tell apart"]


def test_the_winners_expected_value_is_worse_than_its_measured_mean_where_noise_chose_it():
    text = small(PROBE, LONG_GRID + "keep = 3\n", THREE_SEEDS)
    quiet, loud = (play(text, loss=noisy(own, jumps))[-1].handoff for own, jumps in ((0.0, 0.0), (0.5, 0.5)))
    assert quiet.findings["expected"]["optimism"] == pytest.approx(0, abs=1e-12)
    assert quiet.findings["expected"]["value"] == pytest.approx(quiet.ranking[0].score)
    found = loud.findings["expected"]
    assert found["value"] - loud.ranking[0].score == pytest.approx(found["optimism"])
    assert found["optimism"] > 0
    assert found["low"] < found["value"] < found["high"]


def test_the_best_epoch_has_the_neighbours_that_are_as_good_within_noise():
    def flat(own):
        return play(small(PROBE, LONG_GRID, THREE_SEEDS), loss=noisy(own))[-1].handoff.findings["flat"]

    assert (flat(0.0)["first"], flat(0.0)["last"]) == (flat(0.0)["best"], flat(0.0)["best"])
    wide = flat(0.3)
    assert wide["first"] < wide["best"] < wide["last"]


def test_one_seed_tells_nothing_of_what_is_to_be_expected():
    text = small(PROBE, LONG_GRID, CONFIRM.replace("seeds = 2", "seeds = 1"))
    findings = play(text)[-1].handoff.findings
    assert findings["expected"] is None
    assert {row["verdict"] for row in findings["versus"]} == {"cannot tell apart"}
