"""`by`: bounds that depend on an option, as the roadmap says them, and every mistake in them."""

import jsonschema
import pytest
from tests.support.roadmaps import FINAL, NARROW, PROBE, problems, small

from staycourse.core.json_schema import roadmap_schema
from staycourse.core.roadmap import parse
from staycourse.core.space import Bounds, Condition, Interval, Space

LR = Interval("lr", 1e-4, 1e-2, log=True, by=(Bounds("optimizer", "sgd", 1e-2, 1.0),))


def space_of(*lines: str) -> Space:
    return parse(small(PROBE, space="[space]\n" + "\n".join(lines) + "\n")).space


def range_of(h: Interval, **setup: object) -> tuple[float, float]:
    return h.given(setup).low, h.given(setup).high


@pytest.mark.parametrize(
    "by",
    [
        "by = { optimizer = { sgd = [1e-2, 1.0] } }",
        "by.optimizer = { sgd = [1e-2, 1.0] }",
        "by.optimizer.sgd = [1e-2, 1.0]",
    ],
)
def test_however_it_is_written_the_choice_stands_before_the_range(by):
    lr = f"lr = {{ log = [1e-4, 1e-2], {by} }}"
    found = space_of(lr, "dropout = 0.1", 'optimizer = { choice = ["adam", "sgd"] }')
    assert found.names == ("dropout", "optimizer", "lr")
    assert found.get("lr") == LR


def test_options_that_are_no_text_are_written_as_they_are():
    found = space_of(
        "layers = { choice = [4, 8] }",
        "share = { choice = [0.5, 1e-3] }",
        "tied = { choice = [true, false] }",
        "width = { range = [8, 16], integer = true, by.layers.8 = [2, 4] }",
        'x = { range = [0, 1], by.share = { "0.5" = [2, 3], 1e-3 = [4, 5] } }',
        "y = { range = [0, 1], by = { tied = { true = [2, 3] } } }",
    )
    assert range_of(found.get("width"), layers=8) == (2, 4)
    assert type(found.get("width").given({"layers": 8}).low) is int
    assert [range_of(found.get("x"), share=share) for share in (0.5, 1e-3)] == [(2.0, 3.0), (4.0, 5.0)]
    assert [range_of(found.get("y"), tied=tied) for tied in (True, False, 1)] == [(2, 3), (0, 1), (0, 1)]


def test_a_range_that_exists_under_some_options_may_have_bounds_by_option():
    found = space_of(
        'optimizer = { choice = ["adam", "sgd", "lion"] }',
        'beta = { range = [0, 1], when = { optimizer = ["adam", "lion"] }, by.optimizer.lion = [2, 3] }',
    )
    assert found.active({"optimizer": "sgd", "beta": 2.5}) == {"optimizer": "sgd"}
    assert range_of(found.get("beta"), optimizer="lion") == (2.0, 3.0)


def test_where_one_range_is_left_it_is_a_plain_one():
    fixed = space_of('optimizer = "sgd"', "lr = { log = [1e-4, 1e-2], by.optimizer.sgd = [1e-2, 1.0] }")
    assert fixed.get("lr") == Interval("lr", 1e-2, 1.0, log=True)
    when = 'when = { optimizer = "sgd" }'
    tied = space_of(
        'optimizer = { choice = ["adam", "sgd"] }',
        f"lr = {{ log = [1e-4, 1e-2], {when}, by.optimizer.sgd = [1e-2, 1.0] }}",
    )
    assert tied.get("lr") == Interval("lr", 1e-2, 1.0, log=True, when=(Condition("optimizer", ("sgd",)),))


HEAD = (
    'optimizer = { choice = ["adam", "sgd"] }',
    "depth = { range = [1, 3] }",
    "width = { choice = [8, 16] }",
)


@pytest.mark.parametrize(
    ("rest", "path", "said", "right"),
    [
        ("by = 3", "by", "expected a table", "by = { optimizer = { sgd = [low, high] } }"),
        ("by = {}", "by", "names no choice", "one choice"),
        (
            "by = { optimizer = { sgd = [1, 2] }, width = { 8 = [1, 2] } }",
            "by",
            "names more than one choice: optimizer, width",
            "one choice",
        ),
        ("by.optimiser.sgd = [1, 2]", "by.optimiser", "no choice 'optimiser'", "did you mean 'optimizer'?"),
        ("by.lr.sgd = [1, 2]", "by.lr", "no choice 'lr'", "known: optimizer, width"),
        ("by.depth.1 = [1, 2]", "by.depth", "'depth' is a range", "the options of a choice"),
        ("by.optimizer = [1, 2]", "by.optimizer", "expected a table of options", "by = { optimizer"),
        ("by.optimizer = {}", "by.optimizer", "expected a table of options", "by = { optimizer"),
        ("by.optimizer.sdg = [1, 2]", "by.optimizer.sdg", "'optimizer' has no option 'sdg'", "'sgd'?"),
        ("by.width.9 = [1, 2]", "by.width.9", "'width' has no option '9'", "known: 16, 8"),
        (
            'by.width = { 8 = [1, 2], "8.0" = [2, 3] }',
            "by.width.8.0",
            "an option stands twice",
            "each option once",
        ),
        ("by.optimizer.sgd = [2, 1]", "by.optimizer.sgd", "the bounds are reversed: 2 > 1", "[1, 2]"),
        ("by.optimizer.sgd = [2, 2]", "by.optimizer.sgd", "the bounds are equal: 2", "two different bounds"),
        ("by.optimizer.sgd = [0, 1]", "by.optimizer.sgd", "a log range cannot begin at 0", "above 0"),
        ("by.optimizer.sgd = [1]", "by.optimizer.sgd", "expected two finite numbers", "sgd = [low, high]"),
        ("by.optimizer.sgd = 1", "by.optimizer.sgd", "expected two finite numbers", "sgd = [low, high]"),
        ("by.optimizer.sgd = [1, nan]", "by.optimizer.sgd", "expected two finite numbers", "sgd ="),
        ("integer = true, by.optimizer.sgd = [1.5, 3]", "by.optimizer.sgd", "no whole numbers", "[8, 256]"),
        (
            'when = { optimizer = "adam" }, by.optimizer.sgd = [1, 2]',
            "by.optimizer.sgd",
            "'lr' does not exist under 'sgd'",
            "leave it out",
        ),
    ],
)
def test_every_mistake_is_named_once_with_its_key_and_line(rest, path, said, right):
    space = "[space]\n" + "\n".join((*HEAD, f"lr = {{ log = [1, 10], {rest} }}")) + "\n"
    (problem,) = problems(small(PROBE, NARROW, FINAL, space=space))
    assert problem.startswith(f"line 11: space.lr.{path}: ")
    assert said in problem and right in problem


def test_several_mistakes_are_told_at_once_and_a_broken_choice_is_blamed_alone():
    lr = "lr = { log = [1, 10], by.optimizer = { sgd = [2, 1], adam = [3, 3], lion = [1, 2] } }"
    assert len(problems(small(PROBE, space="[space]\n" + "\n".join((*HEAD, lr)) + "\n"))) == 3
    broken = "[space]\noptimizer = { choice = [] }\nlr = { log = [1, 10], by.optimizer.sgd = [1, 2] }\n"
    (problem,) = problems(small(PROBE, space=broken))
    assert "space.optimizer.choice: no options" in problem


def test_a_choice_has_no_bounds():
    space = "[space]\nx = { choice = [1, 2] }\ny = { choice = [1, 2], by.x.1 = [1, 2] }\n"
    (problem,) = problems(small(PROBE, space=space))
    assert problem == "line 9: space.y.by: a choice has no 'by' (leave it out)"


def test_a_range_by_a_choice_in_a_circle_is_not_blamed_for_it():
    circle = [f"{a} = {{ choice = [1, 2], when = {{ {b} = 1 }} }}" for a, b in ("ab", "ba")]
    space = "[space]\nx = { range = [0, 1], by.a.1 = [2, 3] }\n" + "\n".join(circle) + "\n"
    (problem,) = problems(small(PROBE, space=space))
    assert problem == "line 9: space.a.when: conditions go round in a circle: a, b"


@pytest.mark.parametrize("bounds", ["range = [4, 8], integer = true", "range = [0, 8], integer = true"])
def test_a_batch_has_a_sample_under_every_option(bounds):
    space = f"[space]\nx = {{ choice = [1, 2] }}\nbatch_size = {{ {bounds}, by.x.1 = [0, 4] }}\n"
    (problem,) = problems(small(PROBE, space=space))
    assert "space.batch_size: a batch of 0 samples" in problem


def test_the_schema_knows_it():
    validator = jsonschema.validators.validator_for(roadmap_schema())(roadmap_schema())
    document = {"name": "x", "task": {"file": "t.py"}, "phase": [{"kind": "final"}]}
    by = {"optimizer": {"sgd": [1e-2, 1.0]}}
    for wrong in ({**by, "x": {"y": [1, 2]}}, {"optimizer": {}}, {"optimizer": {"sgd": [1]}}, {}):
        assert not validator.is_valid(document | {"space": {"lr": {"log": [1, 2], "by": wrong}}})
    assert validator.is_valid(document | {"space": {"lr": {"log": [1, 2], "by": by}}})
    assert not validator.is_valid(document | {"space": {"lr": {"choice": [1, 2], "by": by}}})


@pytest.mark.parametrize(
    ("lr", "optimizers", "is_warned"),
    [
        ("log = [1e-4, 1e-1]", '"adamw", "sgd"', True),
        ("log = [1e-4, 1e-1]", '"SGD", "Adam"', True),
        ("log = [1e-4, 1e-1], by.optimizer.sgd = [1e-2, 1.0]", '"adamw", "sgd"', False),
        ("log = [1e-4, 1e-1], by.optimizer.rmsprop = [1e-2, 1.0]", '"adamw", "sgd", "rmsprop"', True),
        ("log = [1e-4, 1e-1]", '"adamw", "adam"', False),
        ("log = [1e-4, 1e-1]", '"adamw", "mine"', False),
    ],
)
def test_warned_of_optimizers_that_are_eliminated_over_one_range(lr, optimizers, is_warned):
    space = f"[space]\nlr = {{ {lr} }}\noptimizer = {{ choice = [{optimizers}] }}\n"
    probe = PROBE.replace("trials = 6", "trials = 15")
    warnings = [str(w) for w in parse(small(probe + 'eliminate = ["optimizer"]\n', space=space)).warnings]
    assert bool(warnings) == is_warned
    assert all(
        "phase[1].eliminate[1]: " in w and "differ in scale" in w and "sgd" in w.lower() for w in warnings
    )
    assert parse(small(probe, space=space)).warnings == ()
