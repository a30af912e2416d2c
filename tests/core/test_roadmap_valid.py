import pytest
from tests.support.roadmaps import CONFIRM, FINAL, FULL, GRID, NARROW, PROBE, SPACE_BY, small

from staycourse.core.job import StopSpec
from staycourse.core.roadmap import parse
from staycourse.core.schedules import Schedule
from staycourse.core.space import Choice, Condition, Fixed, Interval


def test_every_part_of_the_full_roadmap_is_read():
    roadmap = parse(FULL)

    assert (roadmap.name, roadmap.seed) == ("digits", 7)
    assert (roadmap.task.file, roadmap.task.args) == ("tasks/digits.py", {"hidden": 128})
    assert (roadmap.objective.metric, roadmap.objective.goal) == ("val_loss", "min")
    assert roadmap.space.hyperparameters == (
        Interval("lr", 1e-5, 1e-1, log=True),
        Interval("batch_size", 8, 256, log=True, integer=True),
        Interval("dropout", 0.0, 0.5),
        Choice("optimizer", ("adamw", "sgd", "adam")),
        Interval("momentum", 0.8, 0.99, when=(Condition("optimizer", ("sgd",)),)),
        Choice("schedule", ("constant", "decay", "hybrid")),
        Fixed("weight_decay", 0.01),
    )
    assert roadmap.schedules == {
        "constant": Schedule(),
        "decay": Schedule({"lr": {40: 0.5, 60: 0.5, 90: 0.5}}),
        "late": Schedule({"lr": {60: 0.1, 90: 0.1}}),
        "hybrid": Schedule({"batch_size": {40: 2.0}, "lr": {60: 0.5, 90: 0.5}}),
    }
    assert (roadmap.data.validation, roadmap.data.workers) == (0.2, "auto")
    assert roadmap.limits.trial_hours == 12
    assert (roadmap.limits.hang_after, roadmap.limits.checkpoint_every) == (1800.0, 300.0)


def test_the_phases_are_read_in_order_with_their_rules():
    probe, narrow, grid, confirm, final = parse(FULL).phases

    assert [phase.kind for phase in (probe, narrow, grid, confirm, final)] == [
        "probe", "narrow", "grid", "confirm", "final",
    ]  # fmt: skip
    assert probe.stop.spec() == StopSpec(patience=15, start=91)
    assert (narrow.optimizer, narrow.parallel, narrow.data) == ("bayes", 1, 0.5)
    assert grid.points == {"lr": 3, "batch_size": [8, 16, 32, 64]}
    assert grid.stop.spec() == StopSpec(patience=5, min_delta=1e-4)
    assert (grid.keep, grid.finish.epochs, grid.finish.stop.patience) == (3, 200, 20)
    assert (confirm.seeds, confirm.epochs) == (3, 200)
    assert (final.data, final.epochs) == ("all", "best")


def test_what_is_left_out_has_its_declared_default():
    roadmap = parse(small(PROBE))

    assert roadmap.data.validation == 0.2
    assert roadmap.training.validate_every == 1
    assert roadmap.limits.trial_hours is None
    assert (roadmap.limits.retries, roadmap.limits.threads) == (2, 1)
    assert roadmap.limits.keep_checkpoints == "needed"
    assert roadmap.schedules == {"constant": Schedule()}
    assert roadmap.phases[0].sampler == "quasi-random"


def test_the_plan_counts_trials_and_epochs():
    plan = parse(FULL).plan()

    assert [(p.kind, p.trials, p.epochs_per_trial, p.total_epochs) for p in plan] == [
        ("probe", 6, 150, 6 * 150),
        ("narrow", 24 + 8, 30, 32 * 30),
        ("grid", 12 + 5, 200, 12 * 60 + 5 * 140),  # three, and two more if noise cannot separate them
        ("confirm", 15, 200, 15 * 200),
        ("final", 1, 200, 200),
    ]


@pytest.mark.parametrize("on", ["{ choice = ['adam', 'sgd'] }", "'sgd'"])
def test_a_hyperparameter_comes_after_what_it_depends_on(on):
    space = f"[space]\nm = {{ range = [0.5, 0.9], when = {{ optimizer = 'sgd' }} }}\noptimizer = {on}\n"
    found = parse(small(PROBE, space=space)).space
    assert found.names == ("optimizer", "m")
    assert found.active({"optimizer": "sgd", "m": 0.6}) == {"optimizer": "sgd", "m": 0.6}


def test_a_condition_may_name_several_options_and_several_choices():
    space = """[space]
a = { choice = ["x", "y", "z"] }
b = { choice = [true, false] }
c = { range = [0, 1], when = { a = ["x", "y"], b = true } }
"""
    found = parse(small(PROBE, space=space)).space
    assert found.active({"a": "x", "b": True, "c": 0.5}) == {"a": "x", "b": True, "c": 0.5}
    assert found.active({"a": "z", "b": True, "c": 0.5}) == {"a": "z", "b": True}
    assert found.active({"a": "y", "b": False, "c": 0.5}) == {"a": "y", "b": False}


@pytest.mark.parametrize(("text", "seconds"), [("30s", 30), ("5m", 300), ("1.5h", 5400), ("2 d", 172800)])
def test_durations_have_units(text, seconds):
    roadmap = parse(small(PROBE, more=f'[limits]\nhang_after = "{text}"\n'))
    assert roadmap.limits.hang_after == seconds


@pytest.mark.parametrize("workers", ["0", "4", '"auto"', '"4/gpu"'])
def test_loader_workers_are_a_number_auto_or_a_number_a_gpu(workers):
    assert parse(small(PROBE, more=f"[data]\nworkers = {workers}\n"))


@pytest.mark.parametrize(
    "phases",
    [
        (PROBE,),
        (NARROW, FINAL),
        (PROBE, GRID, CONFIRM, FINAL),
        (PROBE, NARROW, GRID, CONFIRM, CONFIRM, FINAL),
    ],
)
def test_phases_may_be_left_out_and_repeated(phases):
    assert len(parse(small(*phases)).phases) == len(phases)


def test_a_grid_that_lists_every_hyperparameter_needs_nothing_before_it():
    grid = GRID.replace("lr = 3,", 'lr = 3, optimizer = ["sgd", "adam"], momentum = [0.9],')
    roadmap = parse(small(grid, FINAL))
    assert roadmap.plan()[0].trials == 3 * 2 * 2  # under adam there is no momentum


def test_warned_of_a_probe_that_is_too_short_for_a_milestone_it_is_to_judge():
    schedules = "[schedules]\nlate = { lr = { 4 = 0.5, 12 = 0.5 } }\n"
    space = SPACE_WITH_SCHEDULE
    short = PROBE.replace("trials = 6", "trials = 9") + 'eliminate = ["schedule"]\n'
    warnings = parse(small(short, space=space, more=schedules)).warnings
    assert [str(w) for w in warnings] == [
        "line 16: phase[1].epochs: 12 epochs are too short to reach the last milestone of late (12) "
        "(these options cannot be judged: more epochs, or leave 'schedule' out of eliminate)"
    ]
    assert parse(small(short.replace("= 12", "= 13"), space=space, more=schedules)).warnings == ()


SPACE_WITH_SCHEDULE = "[space]\nlr = { log = [1e-4, 1e-1] }\nschedule = { choice = ['constant', 'late'] }\n"


@pytest.mark.parametrize(
    ("stop", "is_warned"),
    [
        ("{ patience = 3 }", True),  # the first value cannot be bettered: fires after epoch 4 at the earliest
        ("{ patience = 4 }", True),
        ("{ patience = 5 }", False),
        ("{ patience = 2, from = 5 }", True),
        ("{ patience = 2, from = 6 }", False),
    ],
)
def test_warned_of_a_rule_that_can_fire_before_a_milestone(stop, is_warned):
    more = "[schedules]\nlate = { lr = { 5 = 0.5 } }\n"
    text = small(PROBE + f"stop = {stop}\n", space=SPACE_WITH_SCHEDULE, more=more)
    warnings = [str(w) for w in parse(text).warnings]
    assert bool(warnings) == is_warned
    assert all("before milestone 5 of 'late' (from = 6" in w for w in warnings)


def test_warned_of_a_grid_over_more_than_two_wide_ranges():
    space = "[space]\n" + "".join(f"{name} = {{ range = [0, 1] }}\n" for name in "abc")
    three = '[[phase]]\nkind = "grid"\nepochs = 2\npoints = { a = 3, b = 4, c = [0.1, 0.2, 0.3] }\n'
    (warning,) = parse(small(three, space=space)).warnings
    assert "3 wide ranges (a, b, c): 36 trials" in str(warning)
    assert parse(small(three.replace("a = 3", "a = 2"), space=space)).warnings == ()


def test_warned_of_a_probe_with_too_few_trials_to_eliminate_anything():
    few = PROBE.replace("trials = 6", "trials = 5") + 'eliminate = ["optimizer"]\n'
    (warning,) = parse(small(few, space=SPACE_BY)).warnings
    assert "5 trials cannot eliminate any of the 2 options of 'optimizer'" in str(warning)


def test_warned_of_a_probe_in_which_a_choice_exists_too_rarely_to_eliminate_anything():
    space = SPACE_BY + 'nesterov = { choice = [true, false], when = { optimizer = "sgd" } }\n'
    probe = PROBE.replace("trials = 6", "trials = 15") + 'eliminate = ["nesterov"]\n'
    (warning,) = parse(small(probe, space=space)).warnings
    assert "15 trials cannot eliminate any of the 2 options of 'nesterov', which exists in 50% of" in str(
        warning
    )
    assert parse(small(probe.replace("15", "16"), space=space)).warnings == ()


@pytest.mark.parametrize(
    "text",
    [
        FULL,
        small(PROBE, NARROW, GRID, CONFIRM, FINAL),
        small(NARROW, FINAL),
        small(PROBE, GRID + "finish = { epochs = 90 }\n", FINAL + "epochs = 50\n"),
        small(
            PROBE, '[[phase]]\nkind="compare"\nepochs=50\nseeds=4\nsetup=[{name="a"},{name="b"},{name="c"}]\n'
        ),
    ],
)
def test_every_miniature_is_a_valid_short_roadmap(text):
    roadmap = parse(text).miniature()

    assert [phase.kind for phase in roadmap.phases] == [phase.kind for phase in parse(text).phases]
    for at, (phase, outlook) in enumerate(roadmap.outlooks()):
        assert type(phase).model_validate(phase.model_dump(by_alias=True)) == phase
        assert phase.check(outlook, ("phase", at)) == []
    for planned in roadmap.plan():
        assert planned.trials <= 6
        assert planned.epochs_per_trial <= 3
