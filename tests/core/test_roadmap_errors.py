"""Bad roadmaps: each mistake is told with its key path, its line and what would be right, all at once."""

import pytest
from tests.support.roadmaps import CONFIRM, FINAL, FULL, GRID, HEAD, PROBE, SPACE, problems, small

from staycourse.core.problems import RoadmapError
from staycourse.core.roadmap import parse

# What of the full roadmap is replaced by what; key path, words of the message, words of what is right.
CASES = [
    # names and the top level
    ('name = "digits"', 'name = "Digits"', "name", "'Digits' is no name", "a-z, 0-9, - and _"),
    ('name = "digits"', 'name = "a/b"', "name", "is no name", "a-z"),
    ('name = "digits"', "name = 3", "name", "3 is no name", "a-z"),
    ("seed = 7", 'seed = "7"', "seed", "expected a whole number, found '7'", ""),
    ("seed = 7", "seed = true", "seed", "expected a whole number", ""),
    ("seed = 7", "sead = 7", "sead", "unknown key 'sead'", "did you mean 'seed'?"),
    ("[training]", "[trainning]", "trainning", "unknown key", "did you mean 'training'?"),
    # unknown keys, with the nearest known one
    (
        "trial_hours = 12",
        "trail_hours = 12",
        "limits.trail_hours",
        "unknown key",
        "did you mean 'trial_hours'?",
    ),
    ("sampler = ", "sample = ", "phase[1].sample", "unknown key 'sample'", "did you mean 'sampler'?"),
    (
        "stop = { patience = 20 } }",
        "stop = { patience = 20, form = 3 } }",
        "phase[3].finish.stop.form",
        "unknown key 'form'",
        "did you mean 'from'?",
    ),
    (
        "{ range = [0.0, 0.5] }",
        "{ range = [0.0, 0.5], int = true }",
        "space.dropout.int",
        "unknown key 'int'",
        "",
    ),
    ("validate_every = 1", "start = 1", "training.start", "unknown key", "known: "),
    # wrong types
    ('file = "tasks/digits.py"', "file = 3", "task.file", "expected text in quotes, found 3", ""),
    ('file = "tasks/digits.py"', 'file = ""', "task.file", "expected something, not an empty value", ""),
    ("args = { hidden = 128 }", "args = 3", "task.args", "expected a table, found 3", ""),
    (
        "args = { hidden = 128 }",
        "args = { a = [[1]] }",
        "task.args.a[1]",
        "expected a number, text, true or",
        "",
    ),
    (
        'metric = "val_loss"',
        "metric = []",
        "objective.metric",
        "expected text in quotes, found an empty list",
        "",
    ),
    ('goal = "min"', 'goal = "less"', "objective.goal", 'expected "min" or "max", found "less"', ""),
    ("validation = 0.2", "validation = 0", "data.validation", "expected more than 0, found 0", ""),
    ("validation = 0.2", "validation = nan", "data.validation", "found nan", ""),
    ('workers = "auto"', "workers = -1", "data.workers", "expected 0 or more, found -1", ""),
    ('workers = "auto"', 'workers = "4/cpu"', "data.workers", 'such as "4/gpu", found "4/cpu"', ""),
    (
        'pin_memory = "auto"',
        "pin_memory = 3",
        "data.pin_memory",
        'expected true or false or "auto", found 3',
        "",
    ),
    ('slots = "auto"', "slots = 0", "limits.slots", 'expected at least 1 or "auto", found 0', ""),
    (
        "trial_hours = 12",
        "trial_hours = inf",
        "limits.trial_hours",
        "expected a finite number, found inf",
        "",
    ),
    ('hang_after = "30m"', "hang_after = 30", "limits.hang_after", 'expected a duration such as "30s"', ""),
    ('hang_after = "30m"', 'hang_after = "0s"', "limits.hang_after", "longer than nothing", ""),
    ("threads = 1", "threads = 1.5", "limits.threads", "expected a whole number, found 1.5", ""),
    ("retries = 2", "retries = -1", "limits.retries", "expected at least 0, found -1", ""),
    (
        'keep_checkpoints = "needed"',
        'keep_checkpoints = "no"',
        "limits.keep_checkpoints",
        '"needed" or "all"',
        "",
    ),
    ("trials = 24", "trials = 0", "phase[2].trials", "expected at least 1, found 0", ""),
    ("stop = { patience = 15, from = 91 }", "stop = 15", "phase[1].stop", "expected a table, found 15", ""),
    ("patience = 15, from", "from", "phase[1].stop", "expected at least one of patience, median", ""),
    ("patience = 15, from", "median = {}, from", "phase[1].stop", "'from' belongs to patience", ""),
    (
        "patience = 15, from",
        "patience = 1, median = { after = 1 }, from",
        "phase[1].stop.median.after",
        "expected at least 2, found 1",
        "",
    ),
    (
        "patience = 15, from = 91",
        'patience = 1, median = {}, metric = "x"',
        "phase[1].stop",
        "median compares by the objective's metric",
        "",
    ),
    ("patience = 15, from", "halving = { first = 5 }, from", "phase[1].stop.halving", "unknown key", ""),
    (
        "patience = 5, min_delta = 1e-4",
        "halving = { factor = 3 }",
        "phase[3].stop.halving.first",
        "missing",
        "",
    ),
    (
        "patience = 5, min_delta = 1e-4",
        "halving = { first = 40 }",
        "phase[3].stop.halving",
        "the second rung is epoch 120, behind the end",
        "first * factor <= 60",
    ),
    (
        "patience = 5, min_delta = 1e-4",
        "halving = { first = 4 }, median = {}",
        "phase[3].stop",
        "median and halving both compare trials",
        "",
    ),
    ("patience = 20 } }", "halving = { first = 5 } } }", "phase[3].finish.stop.patience", "missing", ""),
    ("min_delta = 1e-4", "min_delta = -1", "phase[3].stop.min_delta", "expected at least 0, found -1", ""),
    ("points = { lr = 3", "points = { lr = 0", "phase[3].points.lr", "expected at least 1 or a list", ""),
    ("points = { lr = 3", "points = { lr = [[1]]", "phase[3].points.lr[1]", "expected a number, text", ""),
    ("epochs = 30", "epoch = 30", "phase[2].epochs", "missing", "'epochs' is required"),
    (
        'kind = "confirm"',
        'kind = "confrim"',
        "phase[4].kind",
        "unknown kind 'confrim'",
        "did you mean 'confirm'?",
    ),
    ('kind = "confirm"', 'kind = ["confirm"]', "phase[4].kind", "unknown kind", ""),
    (
        'kind = "confirm"',
        "",
        "phase[4].kind",
        "missing",
        "one of compare, confirm, final, grid, narrow, probe",
    ),
    # the space
    ("log = [1e-5, 1e-1]", "log = [1e-1, 1e-5]", "space.lr.log", "the bounds are reversed", "[1e-05, 0.1]"),
    ("log = [1e-5, 1e-1]", "log = [0, 1e-1]", "space.lr.log", "a log range cannot begin at 0", "above 0"),
    ("log = [1e-5, 1e-1]", "log = [-1, 1e-1]", "space.lr.log", "a log range cannot begin at -1", "above 0"),
    ("log = [1e-5, 1e-1]", "log = [0.1, 0.1]", "space.lr.log", "the bounds are equal", "lr = 0.1"),
    (
        "log = [1e-5, 1e-1]",
        "log = [1e-5]",
        "space.lr.log",
        "expected two finite numbers",
        "log = [low, high]",
    ),
    ("log = [1e-5, 1e-1]", "log = [1e-5, inf]", "space.lr.log", "expected two finite numbers", ""),
    ("log = [1e-5, 1e-1]", 'log = ["a", "b"]', "space.lr.log", "expected two finite numbers", ""),
    ("range = [0.0, 0.5]", "range = [-1e308, 1.5e308]", "space.dropout.range", "too far apart", "narrower"),
    (
        "[8, 256], integer",
        "[8.5, 256], integer",
        "space.batch_size.log",
        "no whole numbers",
        "such as [8, 256]",
    ),
    ("integer = true", "integer = 1", "space.batch_size.integer", "expected true or false", ""),
    (
        "{ range = [0.0, 0.5] }",
        "{ integer = true }",
        "space.dropout",
        "has no range and no options",
        "log = [low",
    ),
    (
        "{ range = [0.0, 0.5] }",
        "{ range = [0.0, 0.5], log = [1, 2] }",
        "space.dropout",
        "says both log and range",
        "",
    ),
    (
        "{ range = [0.0, 0.5] }",
        "[0.0, 0.5]",
        "space.dropout",
        "not a hyperparameter",
        "{ range = [low, high] }",
    ),
    (
        "weight_decay = 0.01",
        "weight_decay = nan",
        "space.weight_decay",
        "expected a finite number, found nan",
        "",
    ),
    (
        "weight_decay = 0.01",
        "weight-decay = 0.01",
        "space.weight-decay",
        "not a name",
        "letters, digits and _",
    ),
    (
        'choice = ["adamw", "sgd", "adam"]',
        "choice = []",
        "space.optimizer.choice",
        "no options",
        "at least one",
    ),
    ('["adamw", "sgd", "adam"]', '["adamw", "sgd", "sgd"]', "space.optimizer.choice", "stands twice", "once"),
    ('["adamw", "sgd", "adam"]', '[1, true, "sgd"]', "space.optimizer.choice", "stands twice", "once"),
    ('["adamw", "sgd", "adam"]', '["sgd", [1]]', "space.optimizer.choice", "an option is no plain value", ""),
    ('["adamw", "sgd", "adam"]', '["sgd", inf]', "space.optimizer.choice", "no finite number", ""),
    ('"adam"] }', '"adam"], integer = true }', "space.optimizer.integer", "a choice has no 'integer'", ""),
    # conditions
    (
        'when = { optimizer = "sgd" }',
        "when = 3",
        "space.momentum.when",
        "expected a table",
        'optimizer = "sgd"',
    ),
    (
        'when = { optimizer = "sgd" }',
        'when = { optimiser = "sgd" }',
        "space.momentum.when.optimiser",
        "no hyperparameter 'optimiser'",
        "did you mean 'optimizer'?",
    ),
    (
        'when = { optimizer = "sgd" }',
        'when = { optimizer = ["sgd", "sdg"] }',
        "space.momentum.when.optimizer",
        "'optimizer' has no option 'sdg'",
        "did you mean 'sgd'?",
    ),
    (
        'when = { optimizer = "sgd" }',
        "when = { optimizer = [] }",
        "space.momentum.when.optimizer",
        "never exist",
        "",
    ),
    (
        'when = { optimizer = "sgd" }',
        "when = { dropout = 0.5 }",
        "space.momentum.when.dropout",
        "is a range",
        "",
    ),
    (
        'when = { optimizer = "sgd" }',
        "when = { weight_decay = 1 }",
        "space.momentum.when.weight_decay",
        "no opt",
        "",
    ),
    (
        'when = { optimizer = "sgd" }',
        "when = { momentum = 0.9 }",
        "space.momentum.when.momentum",
        "is a range",
        "",
    ),
    # schedules
    ("{ lr = { 60 = 0.1, 90 = 0.1 } }", "3", "schedules.late", "expected a table", "{ lr = { 40 = 0.5 } }"),
    ("{ lr = { 60 = 0.1, 90 = 0.1 } }", "{ lr = 3 }", "schedules.late.lr", "expected a table", "{ 40 = 0.5"),
    (
        "{ 60 = 0.1, 90 = 0.1 }",
        "{ 0 = 0.1 }",
        "schedules.late.lr.0",
        "'0' is no epoch",
        "whole number from 1",
    ),
    (
        "{ 60 = 0.1, 90 = 0.1 }",
        "{ a = 0.1 }",
        "schedules.late.lr.a",
        "'a' is no epoch",
        "whole number from 1",
    ),
    ("{ 60 = 0.1, 90 = 0.1 }", '{ "²" = 0.1 }', "schedules.late.lr.²", "'²' is no epoch", "whole number"),
    (
        "{ 60 = 0.1, 90 = 0.1 }",
        "{ 60 = 0 }",
        "schedules.late.lr.60",
        "cannot multiply by 0",
        "a number above 0",
    ),
    ("{ 60 = 0.1, 90 = 0.1 }", "{ 60 = inf }", "schedules.late.lr.60", "cannot multiply by inf", "above 0"),
    (
        "late   = { lr",
        "late   = { lrr",
        "schedules.late.lrr",
        "nothing that a schedule can multiply",
        "mean 'lr'?",
    ),
    ("late   =", "constant   =", "schedules.constant", "'constant' always exists", "another name"),
    (
        '"decay", "hybrid"] }',
        '"deacy", "hybrid"] }',
        "space.schedule",
        "no schedule named 'deacy'",
        "mean 'decay'?",
    ),
    # phases that need what is not there
    (
        'eliminate = ["optimizer", "',
        'eliminate = ["optimiser", "',
        "phase[1].eliminate[1]",
        "no hyperp",
        "'optimizer'?",
    ),
    ('eliminate = ["optimizer", "', 'eliminate = ["lr", "', "phase[1].eliminate[1]", "'lr' is no choice", ""),
    (
        "points = { lr = 3",
        "points = { lrr = 3",
        "phase[3].points.lrr",
        "no hyperparameter 'lrr' in the",
        "'lr'?",
    ),
    (
        "points = { lr = 3",
        "points = { optimizer = 3",
        "phase[3].points.optimizer",
        "a choice, so it has no",
        "list",
    ),
    ("points = { lr = 3", "points = { weight_decay = 3", "phase[3].points.weight_decay", "is fixed", "list"),
    (
        "points = { lr = 3",
        "points = { lr = []",
        "phase[3].points.lr",
        "an empty list of points",
        "at least one",
    ),
    (
        "points = { lr = 3",
        "points = { lr = [0.1, -1]",
        "phase[3].points.lr[2]",
        "-1 is no value of 'lr'",
        "above 0",
    ),
    (
        "points = { lr = 3",
        "points = { lr = [inf]",
        "phase[3].points.lr[1]",
        "inf is no value of 'lr'",
        "finite",
    ),
    ("[8, 16, 32, 64]", "[8, 16.5]", "phase[3].points.batch_size[2]", "16.5 is no value", "a whole number"),
    (
        "points = { lr = 3",
        'points = { optimizer = ["sdg"]',
        "phase[3].points.optimizer[1]",
        "no option 'sdg'",
        "sgd",
    ),
    (
        "points = { lr = 3",
        "points = { lr = 3000",
        "phase[3].points",
        "a grid of 12000 points",
        "at most 10000",
    ),
    (
        "finish = { epochs = 200",
        "finish = { epochs = 60",
        "phase[3].finish.epochs",
        "adds none",
        "more than 60",
    ),
]


@pytest.mark.parametrize(("old", "new", "path", "message", "right"), CASES)
def test_one_mistake_is_told_once_where_it_stands(old, new, path, message, right):
    assert FULL.count(old) >= 1
    text = FULL.replace(old, new, 1)
    with pytest.raises(RoadmapError) as raised:
        parse(text, "my.toml")

    at = FULL.index(old)
    line = FULL[:at].count("\n") + 1
    said = [str(problem) for problem in raised.value.problems]
    # A key that was renamed may be missed elsewhere too; that is another mistake, on another path.
    (told,) = [problem for problem in said if f": {path}: " in problem]
    if message != "missing" or new == "":
        assert [problem for problem in said if ": missing" not in problem and problem != told] == []
    where, _, rest = told.partition(f": {path}: ")
    assert where == f"line {line}" or message == "missing"
    assert message in rest
    assert right in rest
    assert f"my.toml: {told}" in str(raised.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a = ", "line 1: not TOML: Invalid value"),
        ('name = "x"\nname = "y"\n', "line 2: not TOML: Cannot overwrite a value"),
        ("lr: 1e-5\n", "line 1: not TOML: Expected '=' after a key"),
        ("seed = " + "9" * 5000, "not TOML that can be read: a number of thousands of digits"),
        ("seed = " + "[" * 5000, "not TOML that can be read: nested too deeply"),
    ],
)
def test_what_is_no_toml_is_told_with_its_line(text, said):
    (problem,) = problems(text)
    assert problem.startswith(said)


def test_what_is_missing_altogether_is_told():
    assert problems("") == [
        "name: missing ('name' is required)",
        "task: missing (a [task] table with its file or its command)",
        "space: the space is empty (name at least one hyperparameter)",
        "phase: no phases (at least one [[phase]] table, in double brackets)",
    ]


@pytest.mark.parametrize("space", ["[space]\n", "[[space]]\n", ""])
def test_an_empty_space_hides_no_other_mistake_and_is_blamed_once(space):
    found = problems(small(PROBE + 'eliminate = ["optimizer"]\n', FINAL, GRID, space=space))
    assert [p.partition("space: ")[2] for p in found[:1]] == [
        "the space is empty (name at least one hyperparameter)"
    ]
    assert ["phase[2]: final comes before anything was ranked" in p for p in found[1:]] == [True]


def test_a_phase_in_single_brackets():
    (problem,) = problems(HEAD + SPACE + PROBE.replace("[[phase]]", "[phase]"))
    assert (
        problem
        == "line 11: phase: expected a list of phases (at least one [[phase]] table, in double brackets)"
    )


@pytest.mark.parametrize(
    ("phases", "said"),
    [
        ((FINAL,), "phase[1]: final comes before anything was ranked"),
        ((PROBE, FINAL), "phase[2]: final comes before anything was ranked"),
        ((PROBE, CONFIRM), "phase[2]: confirm needs ranked set-ups, and no earlier phase ranks any"),
        (
            (GRID,),
            "phase[1].points: no value for optimizer, momentum: no earlier phase hands on a best value",
        ),
        ((PROBE, GRID, FINAL, CONFIRM), "phase[3]: final is not the last phase"),
    ],
)
def test_a_phase_that_needs_what_no_earlier_phase_hands_on(phases, said):
    (problem,) = problems(small(*phases))
    assert said in problem
    assert problem.startswith("line ")


def test_a_search_with_nothing_to_search():
    (problem,) = problems(small(PROBE, space="[space]\nlr = 0.1\n"))
    assert "phase[1]: probe has nothing to search: every hyperparameter is fixed" in problem


@pytest.mark.parametrize("names", [("a", "b"), ("a", "b", "c")])
def test_conditions_in_a_circle(names):
    after = dict(zip(names, (*names[1:], names[0]), strict=True))
    lines = [f"{n} = {{ choice = [1, 2], when = {{ {after[n]} = 1 }} }}" for n in names]
    (problem,) = problems(small(PROBE, space="[space]\nx = 1\n" + "\n".join(lines)))
    assert problem == f"line 9: space.a.when: conditions go round in a circle: {', '.join(names)}"


def test_a_hyperparameter_under_its_own_condition():
    (problem,) = problems(small(PROBE, space="[space]\na = { choice = [1, 2], when = { a = 1 } }\n"))
    assert "circle: a" in problem


COMPARE = """[[phase]]
kind = "compare"
epochs = 3
[[phase.setup]]
name = "one"
optimizer = "adam"
[[phase.setup]]
name = "two"
optimizer = "sgd"
"""


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('name = "two"', 'name = "one"', "line 26: phase[2].setup[2].name: two set-ups are named 'one'"),
        ('name = "two"', "", "phase[2].setup[2].name: missing"),
        (
            '"sgd"',
            '"sdg"',
            "line 27: phase[2].setup[2].optimizer: 'optimizer' has no option 'sdg' (did you mean 'sgd'",
        ),
        (
            'optimizer = "sgd"',
            "opt = 1",
            "line 27: phase[2].setup[2].opt: no hyperparameter 'opt' in the space",
        ),
        ('optimizer = "sgd"', 'lr = "x"', "line 27: phase[2].setup[2].lr: 'x' is no value of 'lr' (a number"),
        ('optimizer = "sgd"', "width = 8.5", "line 27: phase[2].setup[2].width: 8.5 is no value of 'width'"),
        ('optimizer = "sgd"', "depth = [1]", "line 27: phase[2].setup[2].depth: [1] is no value of 'depth'"),
        ('optimizer = "sgd"', "depth = nan", "line 27: phase[2].setup[2].depth: nan is no value of 'depth'"),
    ],
)
def test_wrong_set_ups_to_compare(old, new, said):
    (problem,) = problems(small(PROBE, COMPARE.replace(old, new)))
    assert said in problem


def test_one_set_up_compares_with_nothing():
    text = small(PROBE, COMPARE[: COMPARE.rindex("[[phase.setup]]")])
    (problem,) = problems(text)
    assert "phase[2].setup: expected at least 2 of them, found a list" in problem


def test_each_set_up_to_compare_is_told_of_what_it_lacks():
    found = problems(small(COMPARE.replace('optimizer = "sgd"', "opt = 1")))
    assert "setup[1]: no value for lr, width: no earlier phase hands on a best value" in found[0]
    assert "setup[2].opt: no hyperparameter 'opt'" in found[1]


def test_mistakes_in_all_sections_are_told_at_once_in_the_order_of_the_lines():
    text = (
        FULL.replace("seed = 7", "seed = 1.5")
        .replace("tasks/digits.py", "")
        .replace('goal = "min"', 'goal = "mean"')
        .replace("[1e-5, 1e-1]", "[1e-1, 1e-5]")
        .replace("{ 60 = 0.1, 90 = 0.1 }", "{ x = 0.1 }")
        .replace("validation = 0.2", "validation = 2")
        .replace("validate_every = 1", "validate_every = 0")
        .replace("retries = 2", "retires = 2")
        .replace("trials = 6", "trials = -6")
        .replace('optimizer = "bayes"', "optimizer = 3")
        .replace("points = { lr = 3", "points = { lrr = 3")
        .replace("seeds = 3", "seads = 3")
    )
    with pytest.raises(RoadmapError) as raised:
        parse(text)
    found = raised.value.problems
    assert [str(p).split(": ")[1] for p in found] == [
        "seed", "task.file", "objective.goal", "space.lr.log", "schedules.late.lr.x", "data.validation",
        "training.validate_every", "limits.retires", "phase[1].trials", "phase[2].optimizer",
        "phase[3].points.lrr", "phase[4].seads",
    ]  # fmt: skip
    lines = [problem.line for problem in found]
    assert lines == sorted(lines)
    for problem in found:
        assert str(problem.path[-1]) in text.split("\n")[problem.line - 1]


def test_a_later_phase_is_checked_after_a_wrong_earlier_one():
    text = FULL.replace("trials = 24", "trials = 0").replace(
        "finish = { epochs = 200", "finish = { epochs = 2"
    )
    found = problems(text)
    assert [p.split(": ")[1] for p in found] == ["phase[2].trials", "phase[3].finish.epochs"]


def test_what_a_wrong_phase_would_have_handed_on_is_not_missed_by_the_next():
    text = small(PROBE, GRID.replace("epochs = 6", "epochs = 0"), CONFIRM, FINAL)
    assert len(problems(text)) == 1


def test_a_wrong_hyperparameter_is_blamed_once_and_not_where_it_is_used():
    text = FULL.replace("[1e-5, 1e-1]", "[1e-1, 1e-5]").replace(
        'choice = ["adamw", "sgd", "adam"]', "choice = []"
    )
    text = text.replace('["constant", "decay", "hybrid"]', '["constant", "constant"]')
    assert [p.split(": ")[1] for p in problems(text)] == [
        "space.lr.log",
        "space.optimizer.choice",
        "space.schedule.choice",
    ]


def test_equal_mistakes_give_equal_messages_in_every_process():
    # Several on one line, whose order must not be that of a set.
    text = FULL.replace("{ range = [0.0, 0.5] }", "{ range = [0.0, 0.5], e = 1, d = 1, c = 1, b = 1, a = 1 }")
    assert [p.split(": ")[1][-1] for p in problems(text)] == ["e", "d", "c", "b", "a"]


def test_no_number_beyond_64_bits():
    found = problems(
        FULL.replace("seed = 7", "seed = 0x" + "f" * 5000).replace("epochs = 30", f"epochs = {2**63}")
    )
    assert len(found) == 2
    assert all("a whole number beyond 64 bits" in p for p in found)


def test_control_characters_are_refused_and_never_printed():
    text = (
        FULL.replace('metric = "val_loss"', r'metric = "\u001b[2Jval_loss"') + '\n"\\u001b]0;x\\u0007" = 1\n'
    )
    found = problems(text)
    assert any("objective.metric: the text holds control characters" in p for p in found)
    assert any("the key holds control characters" in p for p in found)
    assert all(p.isprintable() for p in found)
