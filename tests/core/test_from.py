"""`[from]`: what an earlier run hands on, and what a roadmap may make of it."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from tests.support.roadmaps import CONFIRM, FINAL, GRID, NARROW, PROBE, SPACE, small
from tests.support.simulate import campaign

from staycourse.core import handoff as handoffs
from staycourse.core.canonical import canonical_json
from staycourse.core.from_table import earlier_run
from staycourse.core.inherited import Inherited
from staycourse.core.json_schema import roadmap_schema
from staycourse.core.problems import Problem, RoadmapError
from staycourse.core.roadmap import Roadmap, parse
from staycourse.core.schedules import Schedule
from staycourse.core.space import Fixed, Interval

FROM = '[from]\nrun = "runs/old-1"\n'
COMPARE = """[[phase]]
kind = "compare"
epochs = 3
[[phase.setup]]
name = "one"
lr = 0.01
[[phase.setup]]
name = "two"
lr = 0.02
"""


def earlier(*phases: str, space: str = SPACE) -> Inherited:
    """What a run of these phases hands on, through the ledger as a run does it."""
    *_, last = campaign(parse(small(*phases, space=space)))
    handed = handoffs.from_json(json.loads(canonical_json(handoffs.to_json(last.handoff))))
    return Inherited("old-1", handed, "val_loss", "min")


GRIDDED, PROBED = earlier(PROBE, NARROW, GRID), earlier(PROBE)


def read(*phases: str, old: Inherited | Problem | None = GRIDDED, space: str = "", more: str = "") -> Roadmap:
    return parse(small(*phases, space=space, more=FROM + more), inherited=old)


def wrong(*phases: str, **how) -> list[str]:
    with pytest.raises(RoadmapError) as raised:
        read(*phases, **how)
    return [str(problem) for problem in raised.value.problems]


@pytest.mark.parametrize("phases", [(CONFIRM, FINAL), (FINAL,), (GRID, FINAL), (PROBE, CONFIRM), (COMPARE,)])
def test_the_first_phase_is_handed_what_the_earlier_run_has_found(phases):
    roadmap = read(*phases)
    assert roadmap.space == GRIDDED.handoff.space
    assert roadmap.first_handoff.ranking == GRIDDED.handoff.ranking
    _, outlook = next(roadmap.outlooks())
    count = len(GRIDDED.handoff.ranking)
    assert (outlook.ranked, outlook.valued, outlook.horizon) == (count, True, GRIDDED.handoff.horizon)


def test_confirm_trains_the_set_ups_that_the_earlier_run_ranked():
    played = list(campaign(read(CONFIRM, FINAL)))
    assert read(CONFIRM, FINAL).plan()[0].trials == 2 * len(GRIDDED.handoff.ranking)
    assert played[0].before.handoff == read(CONFIRM, FINAL).first_handoff
    setups = [trial.setup for trial in played[0].trials if trial.repetition == 0]
    assert setups == [place.setup for place in GRIDDED.handoff.ranking]


def test_final_alone_trains_the_earlier_winner_for_its_best_epoch():
    (final,) = campaign(read(FINAL))
    best = GRIDDED.handoff.ranking[0]
    (need,) = final.needs
    assert (need.setup, need.epochs, need.horizon) == (best.setup, best.epoch, GRIDDED.handoff.horizon)


def test_a_run_that_has_ranked_nothing_hands_on_no_ranking():
    (problem,) = wrong(FINAL, old=PROBED)
    assert "phase[1]: final comes before anything was ranked" in problem
    assert read(GRID, FINAL, old=PROBED).first_handoff.best_values == PROBED.handoff.best_values


def test_the_handed_on_ranges_hold_and_a_note_says_so():
    narrowed = GRIDDED.handoff.space.get("lr")
    assert isinstance(narrowed, Interval) and narrowed != parse(small(PROBE)).space.get("lr")
    roadmap = read(CONFIRM, space=SPACE)
    assert roadmap.space == GRIDDED.handoff.space
    assert roadmap.notes[0] == (
        f"space.lr: {narrowed.low:.4g}..{narrowed.high:.4g} log, as old-1 hands on "
        "(declared: 0.0001..0.1 log)"
    )
    assert not any("depth" in note for note in roadmap.notes)
    (fixed,) = [n for n in read(CONFIRM, space=SPACE.replace("depth = 2", "depth = 3")).notes if "depth" in n]
    assert fixed == "space.depth: 2, as old-1 hands on (declared: 3)"


def test_every_hyperparameter_of_the_handoff_must_be_named():
    (problem,) = wrong(CONFIRM, space="[space]\nlr = { log = [1e-4, 1e-1] }\n")
    assert problem == (
        "line 9: space: old-1 hands on width, optimizer, momentum, depth, which are not named here "
        "(name every one of them, or leave [space] out)"
    )


def test_a_new_fixed_value_is_filled_in_everywhere():
    roadmap = read(CONFIRM, FINAL, space=SPACE + "clip = 1.5\n")
    assert roadmap.space.get("clip") == Fixed("clip", 1.5)
    assert all(place.setup["clip"] == 1.5 for place in roadmap.first_handoff.ranking)
    assert roadmap.first_handoff.best_values["clip"] == 1.5


NEW = SPACE + "clip = { range = [0.5, 2.0] }\n"


@pytest.mark.parametrize("phases", [(CONFIRM, FINAL), (FINAL,), (PROBE, CONFIRM)])
def test_a_new_range_has_no_value_in_ranked_set_ups(phases):
    (problem,) = wrong(*phases, space=NEW)
    assert "space.clip: the ranked set-ups of old-1 have no value for it (a plain value, or a" in problem
    assert problem.startswith("line 15: ")


def test_a_new_range_is_searched_anew():
    roadmap = read(NARROW, CONFIRM, space=NEW)
    assert roadmap.first_handoff.ranking == ()
    assert "the ranking of old-1 is left behind: its set-ups have no value for clip" in roadmap.notes
    (problem,) = wrong(GRID, space=NEW)
    assert "phase[1].points: no value for clip: no earlier phase hands on a best value" in problem
    listed = GRID.replace("lr = 3", "lr = 3, clip = 2")
    grid = next(iter(campaign(read(listed, space=NEW))))
    best = GRIDDED.handoff.best_values
    assert {need.setup["optimizer"] for need in grid.needs} == {best["optimizer"]}


def test_set_ups_to_compare_need_a_value_of_what_is_new_alone():
    found = wrong(COMPARE, space=NEW)
    assert ["no value for clip:" in problem for problem in found] == [True, True]
    assert read(COMPARE.replace("lr = 0.0", "clip = 1.0\nlr = 0.0"), space=NEW)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ('metric = "accuracy"', "objective.metric: old-1 ranked by val_loss, not by accuracy"),
        ('goal = "max"', "objective.goal: old-1 ranked by the minimum of val_loss"),
    ],
)
def test_a_ranking_by_another_objective_is_not_used(more, said):
    (problem,) = wrong(CONFIRM, FINAL, more=f"[objective]\n{more}\n")
    assert said in problem and problem.startswith("line 9: ")
    anew = read(NARROW, CONFIRM, more=f"[objective]\n{more}\n")
    assert anew.first_handoff.ranking == ()
    assert "the ranking of old-1, by val_loss min, is left behind" in anew.notes[-1]


def test_the_same_metric_by_its_other_name_is_the_same():
    assert read(CONFIRM, more='[objective]\nmetric = "loss"\n').first_handoff.ranking


SCHEDULED = SPACE + 'schedule = { choice = ["constant", "decay"] }\n'
DECAY = "[schedules]\ndecay = { lr = { 4 = 0.5 } }\n"


def test_schedules_that_are_handed_on_must_be_there_and_a_changed_one_is_noted():
    old = Inherited(
        "old-1", parse(small(PROBE, space=SCHEDULED, more=DECAY)).first_handoff, "val_loss", "min"
    )
    (problem,) = wrong(PROBE, old=old)
    assert "schedules: no schedule named 'decay', which old-1 hands on" in problem
    assert read(PROBE, old=old, more=DECAY).notes == ()
    other = replace(old, schedules={"constant": Schedule(), "decay": Schedule({"lr": {4: 0.1}})})
    (note,) = read(PROBE, old=other, more=DECAY).notes
    assert note.startswith("schedules.decay: as declared here; old-1 measured under another one")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('run = "runs/old-1"', "", "line 6: from.run: missing"),
        ('run = "runs/old-1"', 'run = ""', "line 7: from.run: expected something, not an empty value"),
        ('run = "runs/old-1"', 'run = "a"\nruns = 1', "line 8: from.runs: unknown key 'runs' (did you mean"),
        (
            'old-1"',
            'old-1"\ntake = ["weights"]',
            "8: from.take: not yet: this version takes up no weights",
        ),
        ('old-1"', 'old-1"\ntake = ["handoff", "weights"]', "line 8: from.take: not yet"),
        ('old-1"', 'old-1"\ntake = ["hands"]', 'line 8: from.take[1]: expected "handoff", found "hands"'),
        ('old-1"', 'old-1"\ntake = []', "line 8: from.take: expected something"),
        ('old-1"', 'old-1"\ntake = "handoff"', "line 8: from.take: expected a list"),
        ("[from]", "[[from]]", "line 6: from: expected a table"),
    ],
)
def test_a_mistake_in_the_table_is_told_once(old, new, said):
    text = small(CONFIRM, FINAL, space="", more=FROM).replace(old, new)
    with pytest.raises(RoadmapError) as raised:
        parse(text, inherited=GRIDDED)
    (problem,) = raised.value.problems
    assert said in str(problem)


def test_a_run_that_cannot_be_taken_up_is_told_beside_other_mistakes():
    why = Problem(("from", "run"), "old-1 is suspended", "finish or abandon it first")
    found = wrong(CONFIRM.replace("seeds", "seads"), FINAL, old=why)
    assert found[0] == "line 7: from.run: old-1 is suspended (finish or abandon it first)"
    assert [problem.split(": ")[1] for problem in found[1:]] == ["phase[1].seads"]
    (unread,) = wrong(CONFIRM, FINAL, old=None, space=SPACE)
    assert "from.run: the earlier run was not read" in unread


@pytest.mark.parametrize(
    ("text", "run"), [(FROM, "runs/old-1"), ("from = 1", None), ("[from]\nrun = 3", None), ("a = ", None)]
)
def test_the_name_of_the_run_is_found_whatever_else_is_wrong(text, run):
    assert earlier_run(text) == run


def test_a_rehearsal_takes_up_two_set_ups():
    roadmap = read(CONFIRM, FINAL).miniature()
    assert len(roadmap.first_handoff.ranking) == 2
    assert roadmap.plan()[0].trials == 4


def test_the_schema_knows_the_table():
    schema = roadmap_schema()
    assert schema["properties"]["from"]["required"] == ["run"]
    assert {"required": ["from"]} in schema["anyOf"]
