"""The `[schedules]` table: its forms, what is refused, what is warned of, and its schema."""

from __future__ import annotations

import tomllib

import jsonschema
import pytest
from tests.support.roadmaps import PROBE, problems, small

from staycourse.core.json_schema import roadmap_schema
from staycourse.core.roadmap import parse
from staycourse.core.schedule_format import TORCH_NAMES
from staycourse.core.schedules import Schedule

SPACE = """\
[space]
lr = { log = [1e-4, 1e-1] }
temperature = { range = [1, 4] }
schedule = { choice = ['constant', 'made'] }
"""


def text(schedule: str, phase: str = PROBE) -> str:
    return small(phase, space=SPACE, more=f"[schedules]\nmade = {schedule}\n")


FORMS = [
    ("{ lr = { 40 = 0.5 } }", Schedule({"lr": {40: 0.5}})),
    (
        '{ torch = "CosineAnnealingLR", eta_min = 1e-6 }',
        Schedule(torch="CosineAnnealingLR", settings={"eta_min": 1e-6}),
    ),
    (
        '{ warmup = 5, torch = "CosineAnnealingLR" }',
        Schedule(warmup=5.0, torch="CosineAnnealingLR"),
    ),
    ("{ warmup = 0.25, lr = { 3 = 0.1 } }", Schedule({"lr": {3: 0.1}}, 0.25)),
    (
        '{ torch = "MultiStepLR", milestones = [4, 6], gamma = 0.5, batch_size = { 4 = 2 } }',
        Schedule({"batch_size": {4: 2.0}}, 0.0, "MultiStepLR", {"milestones": [4, 6], "gamma": 0.5}),
    ),
]


@pytest.mark.parametrize(("written", "schedule"), FORMS)
def test_steps_warm_up_and_torchs_may_stand_beside_one_another(written: str, schedule: Schedule) -> None:
    assert parse(text(written)).schedules["made"] == schedule


def test_a_hyperparameter_may_be_named_as_a_key_is() -> None:
    made = text("{ warmup = { 4 = 0.5 } }").replace("temperature", "warmup")
    assert parse(made).schedules["made"] == Schedule({"warmup": {4: 0.5}})


REFUSED = [
    ("{ warmup = 0 }", "schedules.made.warmup: 0 is no length (a number of epochs above 0)"),
    ("{ warmup = true }", "schedules.made.warmup: True is no length (a number of epochs above 0)"),
    ("{ warmup = inf }", "schedules.made.warmup: inf is no length (a number of epochs above 0)"),
    ('{ warmup = "5" }', "schedules.made.warmup: '5' is no length (a number of epochs above 0)"),
    ("{ torch = 3 }", 'schedules.made.torch: expected a name (torch = "CosineAnnealingLR")'),
    (
        '{ torch = "CosineAnealingLR", eta_min = 1 }',
        "schedules.made.torch: torch.optim.lr_scheduler has no 'CosineAnealingLR' that can be followed "
        "(did you mean 'CosineAnnealingLR'?)",
    ),
    (
        '{ torch = "StepLR", step_size = 3, lr = { 4 = 0.5 } }',
        "schedules.made.lr: both these steps and torch change the learning rate "
        "(one of them, in a schedule of its own)",
    ),
    (
        '{ torch = "StepLR", step_size = 3, last_epoch = 4 }',
        "schedules.made.last_epoch: the epochs are counted by the engine (leave it out)",
    ),
    (
        '{ torch = "StepLR", step_size = 2026-01-01 }',
        "schedules.made.step_size: no value that a scheduler can take "
        "(a number, text, true, false or a list of them)",
    ),
    (
        '{ torch = "StepLR", step_size = 3, gamma = nan }',
        "schedules.made.gamma: nan is not finite (a finite number)",
    ),
    ("{ eta_min = 3 }", "schedules.made.eta_min: 'eta_min' is nothing that a schedule can multiply"),
    ("{ warmpu = 3 }", "(did you mean 'warmup'?)"),
]


@pytest.mark.parametrize(("written", "said"), REFUSED)
def test_a_mistake_is_told_once_with_its_key_path(written: str, said: str) -> None:
    (problem,) = problems(text(written))
    assert said in problem
    assert problem.startswith("line ")


@pytest.mark.parametrize(
    ("name", "why", "instead"),
    [
        ("LambdaLR", "Python function", "lr = { 40 = 0.5 }"),
        ("MultiplicativeLR", "Python function", "lr = { 40 = 0.5 }"),
        ("SequentialLR", "cannot nest", "warmup = 5"),
        ("ChainedScheduler", "cannot nest", "warmup = 5"),
        ("ReduceLROnPlateau", "the final training validates nothing", "CosineAnnealingLR"),
    ],
)
def test_what_cannot_be_followed_is_refused_with_what_can(name: str, why: str, instead: str) -> None:
    (problem,) = problems(text(f'{{ torch = "{name}", patience = 3 }}'))
    assert f"schedules.made.torch: {name} cannot be followed: " in problem
    assert why in problem
    assert instead in problem


def test_every_scheduler_of_torchs_is_either_followed_or_refused_by_name() -> None:
    torch = pytest.importorskip("torch")
    for name in set(torch.optim.lr_scheduler.__all__) - {"LRScheduler"} - set(TORCH_NAMES):
        assert "cannot be followed: " in problems(text(f'{{ torch = "{name}" }}'))[0]


@pytest.mark.parametrize("written", [written for written, _ in FORMS])
def test_the_schema_knows_every_form(written: str) -> None:
    jsonschema.validate(tomllib.loads(text(written)), roadmap_schema())


@pytest.mark.parametrize(
    "written",
    [
        "{ warmup = 0 }",
        '{ torch = "Cosine" }',
        "{ eta_min = 3 }",
        "{ lr = { 0 = 0.5 } }",
        '{ torch = "StepLR", lr = { 4 = 0.5 } }',
    ],
)
def test_the_schema_refuses_what_the_parser_does(written: str) -> None:
    assert problems(text(written))
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(tomllib.loads(text(written)), roadmap_schema())


@pytest.mark.parametrize(
    ("written", "stop", "said"),
    [
        ("{ warmup = 5 }", "{ patience = 3 }", "at epoch 4, before milestone 5 of 'made' (from = 6"),
        (
            '{ torch = "CosineAnnealingLR" }',
            "{ patience = 3 }",
            "laid out for all 12 epochs (no stop",
        ),
        ('{ torch = "CosineAnnealingLR", T_max = 3 }', "{ patience = 3 }", None),
        ('{ torch = "CosineAnnealingLR" }', "{ patience = 12 }", None),
        (
            '{ torch = "MultiStepLR", milestones = [7], warmup = 2 }',
            "{ patience = 3 }",
            "before milestone 9 of 'made'",
        ),
        ("{ warmup = 2 }", "{ patience = 3 }", None),
    ],
)
def test_warned_of_a_rule_that_cuts_a_schedule_short(written: str, stop: str, said: str | None) -> None:
    warnings = [str(w) for w in parse(text(written, PROBE + f"stop = {stop}\n")).warnings]
    assert [said in w for w in warnings] == ([True] if said else [])


def test_warned_of_a_warm_up_that_takes_the_whole_phase() -> None:
    (warning,) = parse(text("{ warmup = 12.5 }")).warnings
    assert "phase[1].epochs: the warm-up of 'made' takes 12.5 of 12 epochs" in str(warning)
    assert not parse(text("{ warmup = 11 }")).warnings


@pytest.mark.parametrize(
    ("written", "setting"),
    [
        ('{ torch = "OneCycleLR", max_lr = 0.1 }', "max_lr"),
        ('{ torch = "CyclicLR", base_lr = 0.01, max_lr = 0.1 }', "base_lr"),
        ('{ torch = "OneCycleLR" }', None),
        ('{ torch = "StepLR", step_size = 3 }', None),
    ],
)
def test_warned_of_a_varied_lr_that_a_schedule_replaces(written: str, setting: str | None) -> None:
    warnings = [str(w) for w in parse(text(written)).warnings]
    said = f"schedules.made.{setting}: with {setting} 'made' has a learning rate of its own"
    assert [said in w for w in warnings] == ([True] if setting else [])
