"""Every kind of phase, driven as a pure function through whole campaigns, failures included."""

import json
import statistics
from dataclasses import replace

import pytest
from tests.support.estimates import estimated, touching
from tests.support.roadmaps import CONFIRM, FINAL, FULL, GRID, NARROW, PROBE, SPACE_BY, problems, small
from tests.support.simulate import campaign, smooth_loss

from staycourse.core import handoff as handoffs
from staycourse.core.canonical import canonical_json
from staycourse.core.job import StopSpec
from staycourse.core.outcome import Outcome
from staycourse.core.phases import kinds
from staycourse.core.roadmap import parse
from staycourse.core.space import Choice, Interval

COMPARE = """[[phase]]
kind = "compare"
seeds = 2
epochs = 12
[[phase.setup]]
name = "plain"
optimizer = "adam"
[[phase.setup]]
name = "old"
optimizer = "sgd"
momentum = 0.9
"""
LISTED = "[space]\nlr = { log = [1e-4, 1e-1] }\nwidth = { range = [8, 64], integer = true }\n"
FINISHED_GRID = GRID + "keep = 2\nfinish = { epochs = 12 }\n"
CAMPAIGNS = {
    "workflow": FULL,
    "all kinds": small(PROBE, NARROW, FINISHED_GRID, COMPARE, CONFIRM, FINAL),
    "grid first": small(PROBE, GRID.replace("lr = 3", "lr = 5"), CONFIRM, FINAL),
    "no grid": small(NARROW + "parallel = 3\n", CONFIRM, FINAL),
    "shortest": small(NARROW, FINAL),
    "bounds by option": small(
        PROBE + 'eliminate = ["optimizer"]\n', NARROW, FINISHED_GRID, COMPARE, CONFIRM, FINAL, space=SPACE_BY
    ),
    "median": small(
        PROBE + "stop = { median = { after = 3, from = 2 } }\n",
        NARROW + "parallel = 2\nstop = { patience = 3, smooth = 2, median = { after = 2 } }\n",
        GRID + "stop = { median = { after = 2 } }\n",
        FINAL,
    ),
    "halving": small(
        PROBE,
        GRID.replace("lr = 3", "lr = 7") + "keep = 2\nstop = { halving = { first = 1, factor = 2 } }\n"
        "finish = { epochs = 12 }\n",
        CONFIRM,
        FINAL,
    ),
    "two narrows": small(NARROW, NARROW, GRID, CONFIRM, CONFIRM, FINAL + 'data = "split"\n'),
    "max": small(
        PROBE, NARROW, FINISHED_GRID, CONFIRM, FINAL, more='[objective]\nmetric="acc"\ngoal="max"\n'
    ),
}


def play(text, seed=0, **how):
    return list(campaign(parse(text), seed, **how))


@pytest.mark.parametrize("text", CAMPAIGNS.values(), ids=CAMPAIGNS.keys())
@pytest.mark.parametrize("seed", range(3))
def test_a_campaign_goes_to_its_end_within_its_plan(text, seed):
    roadmap = parse(text)
    played = play(text, seed)

    assert [one.phase for one in played] == list(roadmap.phases)
    for planned, one in zip(roadmap.plan(), played, strict=True):
        assert one.decision.failure is None
        assert len(one.trials) <= planned.trials
        assert max(need.epochs for need in one.needs) <= planned.epochs_per_trial
        parents = {t.id: t.epochs_done for t in one.trials}
        spent = sum(t.epochs_done - parents.get(t.parent, 0) for t in one.trials)
        assert spent <= planned.total_epochs
        assert len({need.key for need in one.needs}) == len(one.needs)
        assert all(need.epochs <= need.horizon for need in one.needs)
    if roadmap.phases[-1].kind == "final":
        assert played[-1].trials[-1].outcome is Outcome.COMPLETED


@pytest.mark.parametrize("text", CAMPAIGNS.values(), ids=CAMPAIGNS.keys())
def test_without_failures_and_eliminations_the_plan_is_met_exactly(text):
    # Without `stop`, with one good option alone and a range that is too small, every upper bound is reached.
    def answer(question):
        return touching(question, "lr", "low")

    for planned, one in zip(parse(text).plan(), play(text, answer=answer), strict=True):
        if one.phase.kind in ("probe", "narrow", "compare", "final"):
            assert len(one.trials) == planned.trials


@pytest.mark.parametrize("text", CAMPAIGNS.values(), ids=CAMPAIGNS.keys())
def test_handoffs_survive_the_ledger(text):
    for one in play(text):
        body = json.loads(canonical_json(handoffs.to_json(one.handoff)))
        again = handoffs.from_json(body)
        assert handoffs.to_json(again) == body
        assert again.space == one.handoff.space
        assert again.ranking == one.handoff.ranking
        assert (again.best_values, again.horizon) == (one.handoff.best_values, one.handoff.horizon)


@pytest.mark.parametrize("text", CAMPAIGNS.values(), ids=CAMPAIGNS.keys())
@pytest.mark.parametrize("seed", range(4))
def test_some_trials_fail_and_the_campaign_goes_on(text, seed):
    failures = [Outcome.DIVERGED, Outcome.FAULTY, Outcome.CRASHED, Outcome.HUNG, Outcome.OUT_OF_MEMORY]

    def ends(phase, need):
        number = sum(map(ord, need.key)) + seed
        return Outcome.COMPLETED if number % 3 or phase.kind == "final" else failures[number % 5]

    for one in play(text, seed, ends=ends):
        ranked = {trial for place in one.decision.handoff.ranking for trial in place.trials}
        failed = {trial.id for trial in one.trials if trial.outcome is not Outcome.COMPLETED}
        assert not ranked & failed


@pytest.mark.parametrize("kind", sorted(kinds()))
def test_a_phase_without_any_score_cannot_be_finished(kind):
    text = CAMPAIGNS["all kinds"]

    def ends(phase, need):
        return Outcome.DIVERGED if phase.kind == kind else Outcome.COMPLETED

    last = play(text, ends=ends)[-1]
    assert last.phase.kind == kind
    assert last.decision.handoff is None
    assert "diverged" in last.decision.failure
    if kind != "final":
        count = len(last.trials)
        assert last.decision.failure == f"none of its {count} trials has a score ({count} diverged)"


def test_a_completed_trial_without_a_finite_value_has_no_score():
    last = play(small(NARROW, FINAL), loss=lambda *_: float("nan"))[-1]
    assert last.decision.failure == (
        "none of its 8 trials has a score (8 completed with a metric that was never a finite number)"
    )


def test_a_probe_asks_for_all_its_proposals_at_once():
    (probe,) = play(small(PROBE + "stop = { patience = 3, from = 5 }\ndata = 0.5\n"))
    first = probe.phase.decide(probe.before, ())

    assert [need.proposal for need in first.needs] == [1, 2, 3, 4, 5, 6]
    assert all(need.setup is None and need.split for need in first.needs)
    assert {(n.epochs, n.horizon, n.share, n.stop) for n in first.needs} == {
        (12, 12, 0.5, StopSpec(3, 5, 0.0, None))
    }
    spec = probe.phase.search()
    assert (spec.optimizer, spec.budget, spec.parallel) == ("quasi-random", 6, 6)


def test_a_probe_hands_on_the_floor_the_phases_of_training_and_no_ranking():
    (probe,) = play(small(PROBE))
    findings = probe.handoff.findings
    best = min(probe.trials, key=lambda t: t.score("min"))

    assert findings["floor"] == {"value": best.score("min"), "epoch": 9, "trial": best.id}
    assert findings["training_phases"][0]["kind"] == "drop"
    assert probe.handoff.ranking == ()
    assert set(best.setup.items()) <= set(probe.handoff.best_values.items())


def test_a_probe_eliminates_the_option_that_is_beaten_and_only_if_asked_to():
    def loss(setup, repetition, epoch):
        return smooth_loss(setup, repetition, epoch) + (5.0 if setup["optimizer"] == "sgd" else 0.0)

    text = small(PROBE.replace("trials = 6", "trials = 20"))
    (asked,) = play(text + 'eliminate = ["optimizer"]\n', loss=loss)
    (unasked,) = play(text, loss=loss)

    assert asked.handoff.space.get("optimizer").options == ("adam",)
    (verdict,) = asked.handoff.findings["elimination"]
    assert (verdict["option"], verdict["against"], verdict["verdict"]) == ("sgd", "adam", "eliminated")
    assert unasked.handoff.space.get("optimizer").options == ("adam", "sgd")


@pytest.mark.parametrize("parallel", [1, 3, 8, 20])
def test_proposal_k_waits_for_the_first_k_minus_parallel_trials(parallel):
    narrow = parse(small(NARROW + f"parallel = {parallel}\n")).phases[0]
    played = play(small(NARROW + f"parallel = {parallel}\n"))[0]

    for done in range(len(played.trials) + 1):
        ended = played.trials[:done]
        needs = narrow.decide(played.before, ended).needs
        assert len(needs) == min(8, done + parallel)
    # A later one that ends early lets nothing in: k needs all of 1..k-parallel.
    late = [t for t in played.trials if t.key == "proposal-8"]
    assert len(narrow.decide(played.before, late).needs) == min(8, parallel)


def test_narrow_hands_on_a_narrower_space_with_the_best_inside_and_three_set_ups():
    roadmap = parse(small(NARROW.replace("trials = 8", "trials = 40")))
    (narrow,) = list(campaign(roadmap))
    best = min(narrow.trials, key=lambda t: t.score("min"))

    for name in ("lr", "width"):
        old, new = roadmap.space.get(name), narrow.handoff.space.get(name)
        assert old.low <= new.low <= best.setup[name] <= new.high <= old.high
        assert new.high - new.low < old.high - old.low
    assert len(narrow.handoff.ranking) == 3
    assert narrow.handoff.ranking[0].setup == best.setup
    assert narrow.handoff.horizon == 6


def lr_of(space):
    return space.get("lr").low, space.get("lr").high


def test_narrow_asks_for_the_region_when_all_its_trials_have_ended_and_hands_on_what_it_is_told():
    (narrow,) = play(small(NARROW))
    ended = tuple(narrow.trials)
    before = replace(narrow.before, estimates=())
    question = narrow.phase.decide(before, ended).question
    assert [trial["setup"] for trial in question["trials"]] == [trial.setup for trial in ended]
    assert (question["goal"], question["confidence"]) == ("min", 0.9)
    assert narrow.phase.decide(before, ended).handoff is None
    assert narrow.phase.decide(before, ended[:-1]).question is None

    told = estimated(question)
    handoff = narrow.phase.decide(replace(before, estimates=(told,)), ended).handoff
    assert handoff.findings["noise"] == told["noise"]
    told["ranges"][0] |= {"low": 0.02, "high": 0.05}
    other = narrow.phase.decide(replace(before, estimates=(told,)), ended).handoff
    assert lr_of(other.space) == (0.02, 0.05) != lr_of(handoff.space)


def test_too_few_results_for_a_model_keep_the_space_and_say_so():
    def ends(phase, need):
        return Outcome.COMPLETED if need.proposal <= 4 else Outcome.DIVERGED

    (narrow,) = play(small(NARROW), ends=ends)
    assert narrow.handoff.space == narrow.before.handoff.space
    assert narrow.handoff.findings["not_narrowed"] == "4 of 8 trials have a score; a model needs 5"
    assert narrow.before.estimates == ()


def test_a_touched_bound_expands_the_space_once_with_a_third_more_proposals_in_it():
    (narrow,) = play(small(NARROW), answer=lambda question: touching(question, "lr", "high"))
    old, new = narrow.before.handoff.space.get("lr"), narrow.decision.search.space.get("lr")
    assert (new.low, old.low < new.high, old.high < new.high) == (old.low, True, True)
    assert [need.proposal for need in narrow.needs] == list(range(1, 8 + 3 + 1))
    assert (narrow.decision.search.budget, narrow.decision.search.first) == (3, 9)
    assert len(narrow.before.estimates) == 2
    # The second estimate is made over the grown space, of all results.
    assert narrow.handoff.findings["expanded"][0].startswith("lr touches its upper bound 0.1 (90 %")
    assert narrow.handoff.findings["warnings"] == [
        f"lr touches its upper bound {new.high:.4g} (90 % of the model's optima lie there) still"
    ]


def test_parallel_proposals_of_the_grown_space_wait_for_each_other_only():
    text = small(NARROW + "parallel = 2\n")
    (narrow,) = play(text, answer=lambda question: touching(question, "lr", "high"))
    before = replace(narrow.before, estimates=narrow.before.estimates[:1])
    counts = [len(narrow.phase.decide(before, narrow.trials[:done]).needs) for done in (8, 9, 10, 11)]
    assert counts == [10, 11, 11, 11]


def test_a_touched_bound_can_be_warned_of_or_stop_the_campaign():
    def answer(question):
        return touching(question, "lr", "high")

    (warned,) = play(small(NARROW + 'at_boundary = "warn"\n'), answer=answer)
    (said,) = warned.handoff.findings["warnings"]
    assert said.startswith("lr touches its upper bound 0.1 ")
    assert len(warned.trials) == 8
    (stopped,) = play(small(NARROW + 'at_boundary = "stop"\n', FINAL), answer=answer)
    assert stopped.decision.failure.startswith("lr touches its upper bound 0.1 ")
    assert "widen" in stopped.decision.failure
    (calm,) = play(small(NARROW + 'at_boundary = "stop"\n'))
    assert calm.handoff.findings["warnings"] == []


def test_the_plan_holds_the_proposals_that_an_expansion_adds():
    (planned,) = parse(small(NARROW)).plan()
    assert (planned.trials, planned.total_epochs) == (11, 66)
    assert planned.notes == ("3 of them only if the best region touches a bound",)
    for other in ("warn", "stop"):
        assert parse(small(NARROW + f'at_boundary = "{other}"\n')).plan()[0].trials == 8


@pytest.mark.parametrize("line", ["confidence = 1.0", "confidence = 0.2", 'at_boundary = "grow"'])
def test_what_narrow_does_not_take_is_refused(line):
    (problem,) = problems(small(NARROW + line + "\n"))
    assert f"phase[1].{line.split()[0]}" in problem


def test_narrow_hands_on_different_set_ups_also_where_the_search_proposed_one_twice():
    space = "[space]\noptimizer = { choice = ['adam', 'sgd'] }\n"
    narrow, confirm = play(small(NARROW, CONFIRM, space=space))
    assert [place.setup["optimizer"] for place in narrow.handoff.ranking] == ["adam", "sgd"]
    assert len(confirm.trials) == 2 * 2


def test_a_grid_takes_best_values_for_what_it_does_not_list():
    probe, grid = play(small(PROBE, GRID + "data = 0.5\nstop = { patience = 2 }\n"))
    known = probe.handoff.best_values

    assert len(grid.trials) == 6
    assert {t.setup["lr"] for t in grid.trials} == {1e-4, 0.00316228, 1e-1}
    assert {t.setup["width"] for t in grid.trials} == {8, 16}
    assert {t.setup["optimizer"] for t in grid.trials} == {known["optimizer"]}
    assert {(n.share, n.epochs, n.horizon, n.stop.patience) for n in grid.needs} == {(0.5, 6, 6, 2)}


def test_a_grid_lays_its_points_over_the_range_that_it_was_handed():
    narrow, grid = play(small(NARROW.replace("trials = 8", "trials = 40"), GRID))
    handed = narrow.handoff.space.get("lr")
    low, _, high = sorted({t.setup["lr"] for t in grid.trials})
    assert (low, high) == (handed.low, handed.high)


def test_the_kept_trials_of_a_grid_train_on_from_their_own_checkpoints():
    text = small(
        PROBE, GRID + "keep = 2\nstop = { patience = 2 }\nfinish = { epochs = 12, stop = { patience = 4 } }\n"
    )
    _, grid = play(text)
    points = [t for t in grid.trials if t.parent is None]
    finished = [t for t in grid.trials if t.parent is not None]
    best_two = sorted(points, key=lambda t: t.score("min"))[:2]

    assert [t.parent for t in finished] == [t.id for t in best_two]
    assert [t.setup for t in finished] == [t.setup for t in best_two]
    for need in grid.needs:
        assert need.horizon == 12
        assert need.epochs == (12 if need.parent else 6)
        assert need.stop.patience == (4 if need.parent else 2)
    assert {trial for place in grid.handoff.ranking for trial in place.trials} == {t.id for t in finished}
    assert grid.handoff.horizon == 12
    assert grid.handoff.findings["points"] == 6


def test_a_kept_trial_whose_finish_fails_stays_ranked_as_it_was():
    def ends(phase, need):
        return Outcome.CRASHED if need.parent else Outcome.COMPLETED

    _, grid = play(small(PROBE, FINISHED_GRID), ends=ends)
    assert len(grid.handoff.ranking) == 2
    assert all(grid.trial(need.key).parent is None for need in grid.needs[:6])
    ranked = {trial for place in grid.handoff.ranking for trial in place.trials}
    assert ranked <= {t.id for t in grid.trials if t.parent is None}


@pytest.mark.parametrize(("keep", "kept"), [(1, 1), (3, 3), (99, 6)])
def test_a_grid_hands_on_as_many_as_it_keeps(keep, kept):
    _, grid, confirm = play(small(PROBE, GRID + f"keep = {keep}\n", CONFIRM))
    assert len(grid.handoff.ranking) == kept
    assert len(confirm.trials) == 2 * kept
    scores = [place.score for place in grid.handoff.ranking]
    assert scores == sorted(scores)


def test_the_plan_of_a_grid_counts_the_option_that_calls_up_most_set_ups():
    text = small(PROBE, GRID.replace("lr = 3,", "lr = 3, momentum = [0.6, 0.7],"))

    def sgd_is_best(setup, repetition, epoch):
        return smooth_loss(setup, repetition, epoch) - (0.5 if setup["optimizer"] == "sgd" else 0.0)

    assert parse(text).plan()[1].trials == 12
    assert len(play(text, loss=sgd_is_best)[1].trials) == 12
    assert len(play(text)[1].trials) == 6


def test_the_plan_of_a_grid_holds_whatever_a_range_is_narrowed_to():
    space = "[space]\nwidth = { log = [1, 16], integer = true }\n"
    text = small(
        NARROW.replace("= 8", "= 60"), GRID.replace("lr = 3, width = [8, 16]", "width = 8"), space=space
    )

    def loss(setup, repetition, epoch):
        return abs(setup["width"] - 13) + 1 / epoch

    narrow, grid = play(text, loss=loss)
    assert narrow.handoff.space.get("width").low > 4
    assert len(grid.trials) <= parse(text).plan()[1].trials


def test_confirm_trains_every_set_up_with_the_same_seeds_on_all_data():
    *_, grid, confirm = play(
        small(PROBE, GRID + "keep = 3\ndata = 0.5\n", CONFIRM + "stop = { patience = 3 }\n")
    )

    for place in grid.handoff.ranking:
        mine = [t for t in confirm.trials if t.setup == place.setup]
        assert sorted(t.repetition for t in mine) == [0, 1]
    assert {(n.share, n.split, n.epochs, n.horizon) for n in confirm.needs} == {(1.0, True, 12, 12)}
    assert confirm.handoff.horizon == 12


def test_confirm_ranks_by_the_mean_curve_and_its_best_epoch():
    # One seed is best at epoch 4, the other at epoch 8; their mean is best at 6.
    def loss(setup, repetition, epoch):
        return abs(epoch - (4, 8)[repetition]) ** 2 + smooth_loss(setup, 0, 9)

    *_, confirm, final = play(small(PROBE, GRID + "keep = 2\n", CONFIRM, FINAL), loss=loss)
    winner = confirm.handoff.ranking[0]
    values = [dict(t.curve)[6] for t in confirm.trials if t.id in winner.trials]

    assert winner.epoch == 6
    assert winner.score == pytest.approx(statistics.fmean(values))
    assert winner.spread == pytest.approx(statistics.stdev(values))
    (need,) = final.needs
    assert (need.epochs, need.horizon) == (6, 12)


def test_confirm_ranks_a_set_up_of_which_a_seed_failed_by_the_others():
    def ends(phase, need):
        is_one = phase.kind == "confirm" and need.key == "setup-1-seed-0"
        return Outcome.DIVERGED if is_one else Outcome.COMPLETED

    *_, confirm = play(small(PROBE, GRID + "keep = 2\n", CONFIRM), ends=ends)
    assert sorted(len(place.trials) for place in confirm.handoff.ranking) == [1, 2]
    assert {len(place.trials): place.spread is None for place in confirm.handoff.ranking} == {
        1: True,
        2: False,
    }


def test_final_trains_the_winner_on_all_data_up_to_the_best_epoch_of_the_same_schedule():
    *_, confirm, final = play(small(PROBE, GRID, CONFIRM, FINAL))
    (need,) = final.needs

    assert need.setup == confirm.handoff.ranking[0].setup
    assert (need.epochs, need.horizon) == (confirm.handoff.best_epoch, 12)
    assert (need.share, need.split, need.stop) == (1.0, False, None)
    weights = {"trial": final.trials[0].id, "epochs": need.epochs, "data": "all the data"}
    assert final.handoff.findings == {"weights": weights}


@pytest.mark.parametrize(("epochs", "horizon"), [(5, 12), (12, 12), (40, 40)])
def test_final_of_a_declared_length_keeps_the_horizon_unless_it_is_longer(epochs, horizon):
    *_, final = play(small(PROBE, GRID, CONFIRM, FINAL + f'epochs = {epochs}\ndata = "split"\n'))
    (need,) = final.needs
    assert (need.epochs, need.horizon, need.split) == (epochs, horizon, True)


def test_compare_sets_its_set_ups_side_by_side_and_hands_on_what_it_was_handed():
    *_, grid, compare, confirm = play(small(PROBE, GRID, COMPARE, CONFIRM))

    assert compare.handoff.ranking == grid.handoff.ranking
    assert compare.handoff.space == grid.handoff.space
    assert compare.handoff.best_values == grid.handoff.best_values
    assert {t.name for t in compare.trials} == {"plain", "old"}
    known = grid.handoff.best_values
    for trial in compare.trials:
        assert (trial.setup["lr"], trial.setup["depth"]) == (known["lr"], 2)
        assert trial.setup.get("momentum") == (0.9 if trial.name == "old" else None)
    best, other = compare.handoff.findings["comparison"]
    assert (best["name"], best["difference"], other["name"]) == ("plain", 0, "old")
    assert other["difference"] == pytest.approx(0.05)
    assert other["verdict"] == "better beyond noise"
    assert [place.setup for place in grid.handoff.ranking] == [
        confirm.trial(f"setup-{n}-seed-0").setup for n in range(1, 4)
    ]


def test_compare_at_the_beginning_needs_nothing_where_all_is_given():
    text = COMPARE.replace('optimizer = "adam"', 'optimizer = "adam"\nlr = 0.1\nwidth = 8')
    text = text.replace('optimizer = "sgd"', 'optimizer = "sgd"\nlr = 0.1\nwidth = 9')
    (compare,) = play(small(text))
    assert compare.handoff.ranking == ()
    assert {t.setup["width"] for t in compare.trials} == {8, 9}


def test_compare_fills_in_what_an_option_calls_up_and_nobody_knows():
    # No trial of the probe that scored used sgd, so nothing is known of its momentum.
    text = small(PROBE, COMPARE.replace("momentum = 0.9\n", ""))

    def loss(setup, repetition, epoch):
        return smooth_loss(setup, repetition, epoch) if setup["optimizer"] == "adam" or epoch > 99 else 1.0

    probe, compare = play(text, loss=lambda s, r, e: float("nan") if _is_probe_sgd(s) else loss(s, r, e))
    assert "momentum" not in probe.handoff.best_values
    old = next(t for t in compare.trials if t.name == "old")
    assert old.setup["momentum"] == 0.7


def _is_probe_sgd(setup):
    return setup["optimizer"] == "sgd" and setup["momentum"] != 0.7


def test_a_goal_of_max_turns_every_ranking_round():
    def loss(setup, repetition, epoch):
        return smooth_loss(setup, repetition, epoch)

    low = play(CAMPAIGNS["all kinds"].replace(COMPARE, ""), loss=loss)
    high = play(CAMPAIGNS["max"], loss=loss)
    for one, other in zip(low, high, strict=True):
        assert [p.setup for p in one.handoff.ranking] == [p.setup for p in other.handoff.ranking]
        assert [p.score for p in one.handoff.ranking] == [-p.score for p in other.handoff.ranking]


def test_the_order_in_which_parallel_trials_end_decides_nothing():
    # The same proposals, since every set-up here is given: only the order of the ends differs.
    space = "[space]\nlr = { log = [1e-4, 1e-1] }\nwidth = 16\n"
    text = small(
        GRID.replace(", width = [8, 16]", "") + "keep = 2\nfinish = { epochs = 12 }\n",
        CONFIRM,
        FINAL,
        space=space,
    )
    handed = {
        canonical_json([handoffs.to_json(one.handoff) for one in play(text, seed)]) for seed in range(8)
    }
    assert len(handed) == 1


def test_a_seventh_kind_is_one_new_file(tmp_path, monkeypatch):
    from staycourse.core import phases

    source = (
        "from typing import ClassVar, Literal\n"
        "from staycourse.core.phases.final import Final\n"
        "class Seventh(Final):\n"
        "    KIND: ClassVar[str] = 'seventh'\n"
        "    kind: Literal['seventh']\n"
    )
    (tmp_path / "seventh.py").write_text(source)
    monkeypatch.setattr(phases, "__path__", [*phases.__path__, str(tmp_path)])
    assert set(kinds()) == {"probe", "narrow", "grid", "confirm", "final", "compare", "seventh"}
    assert parse(small(PROBE, GRID, FINAL.replace("final", "seventh"))).phases[-1].kind == "seventh"


def test_the_spaces_that_are_handed_on_stay_within_the_roadmap():
    roadmap = parse(CAMPAIGNS["two narrows"])
    for one in campaign(roadmap, seed=3):
        for h in roadmap.space:
            new = one.handoff.space.get(h.name)
            if isinstance(h, Interval):
                assert h.low <= new.low < new.high <= h.high
            elif isinstance(h, Choice):
                assert set(new.options) <= set(h.options)


def test_the_first_trials_of_a_probe_are_what_the_others_are_compared_with():
    text = small(PROBE + "stop = { median = { after = 3, from = 2 } }\n")
    (probe,) = play(text, seed=3)
    phase, before = probe.phase, probe.before

    assert len(phase.decide(before, ()).needs) == 3
    assert [need.stop.median for need in probe.needs[:3]] == [(), (), ()]
    references = {need.stop.median for need in probe.needs[3:]}
    assert len(references) == 1 and references != {()}
    assert {need.stop.median_start for need in probe.needs[3:]} == {2}
    # Whoever is faster: the later ones change nothing.
    others = [play(text, seed=seed)[0] for seed in range(4)]
    assert all(len(other.trials) == 6 for other in others)


def test_under_the_median_rule_worse_trials_end_sooner():
    def loss(setup, repetition, epoch):
        return smooth_loss(setup, repetition, epoch) + 5.0 * (setup["lr"] > 1e-3)

    grid = parse(
        small(GRID.replace("lr = 3", "lr = 9") + "stop = { median = { after = 2 } }\n", space=LISTED)
    )
    (played,) = list(campaign(grid, loss=loss))
    bad = [t for t in played.trials[2:] if t.setup["lr"] > 1e-3]
    good = [t for t in played.trials[2:] if t.setup["lr"] <= 1e-3]
    assert bad and good
    assert {t.epochs_done for t in good} == {6}
    assert max(t.epochs_done for t in bad) == 1


def test_halving_trains_the_best_of_each_rung_on_from_their_checkpoints():
    text = small(
        GRID.replace("lr = 3", "lr = 9") + "keep = 2\nstop = { halving = { first = 1, factor = 3 } }\n",
        space=LISTED,
    )
    (grid,) = play(text)
    rungs = [[t for t in grid.trials if t.epochs_done == height] for height in (1, 6)]
    count = len(rungs[0])

    assert len(grid.trials) == count + len(rungs[1]) and len(rungs[1]) == -(-count // 3)
    went_on = {trial.parent for trial in rungs[1]}
    scores = {trial.id: trial.score("min") for trial in rungs[0]}
    assert max(scores[id] for id in went_on) <= min(v for id, v in scores.items() if id not in went_on)
    assert {need.horizon for need in grid.needs} == {6}
    assert grid.handoff.findings["rungs"] == [{"epochs": 1, "trials": count, "went_on": len(rungs[1])}]
    assert all(set(place.trials) <= {t.id for t in rungs[1]} for place in grid.handoff.ranking)
    assert len(grid.handoff.ranking) == 2


def test_a_point_that_patience_has_ended_keeps_its_place_and_trains_no_further():
    def loss(setup, repetition, epoch):
        return 0.0 if setup["lr"] == 1e-4 else smooth_loss(setup, repetition, epoch)

    stop = "stop = { patience = 1, halving = { first = 3, factor = 2 } }\n"
    (grid,) = play(small(GRID.replace("lr = 3", "lr = 9") + "keep = 2\n" + stop, space=LISTED), loss=loss)
    stopped = [t for t in grid.trials if t.setup["lr"] == 1e-4]

    assert stopped and all(t.parent is None and t.epochs_done == 2 for t in stopped)
    assert grid.handoff.ranking[0].setup["lr"] == 1e-4
