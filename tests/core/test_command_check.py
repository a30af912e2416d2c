"""Roadmaps whose task is a command: what a script cannot do is refused before anything is started."""

import pytest
from tests.support.roadmaps import problems

from staycourse.core.roadmap import parse

ROADMAP = """\
name = "lm"
[task]
command = "python train.py --lr {lr} --epochs {epochs} --seed {seed} --save {checkpoint}"
weights = "{checkpoint}"
[task.flags]
data = "--subset {data}"
all = "--no-val"
momentum = "--momentum {momentum}"
tied = { true = "--tied" }
[task.metrics]
text = { epoch = 'epoch (\\d+)', val_loss = 'valid loss (\\S+)' }
[space]
lr = { log = [1e-4, 1e-1] }
tied = { choice = [true, false] }
momentum = { range = [0.5, 0.9], when = { tied = true } }
[data]
files = ["data/*.txt"]
[[phase]]
kind = "probe"
trials = 8
epochs = 9
[[phase]]
kind = "narrow"
trials = 20
epochs = 5
data = 0.5
[[phase]]
kind = "confirm"
seeds = 2
epochs = 9
[[phase]]
kind = "final"
"""
# What of the roadmap is replaced by what; key path, words of the message, words of what is right.
CASES = [
    (
        'command = "python',
        'file = "a.py"\ncommand = "python',
        "task.command",
        "a file or a command",
        "leave one",
    ),
    (
        'command = "python',
        'args = { a = 1 }\ncommand = "python',
        "task.args",
        "belong to a task file",
        "command",
    ),
    (" --save {checkpoint}", " 'open", "task.command", "no closing quotation", "quote"),
    ("{lr}", "{learning_rate}", "task.command", "nothing is called {learning_rate}", ""),
    ("{epochs}", "{epoch}", "task.command", "nothing is called {epoch}", "did you mean 'epochs'?"),
    ('weights = "{checkpoint}"', 'weights = "{out}"', "task.weights", "nothing is called {out}", ""),
    (
        "--seed {seed}",
        "--seed {seed} -m {momentum}",
        "task.command",
        "not exist in every set-up",
        "[task.flags]",
    ),
    (" --lr {lr}", "", "space.lr", "the script never hears of lr", "{lr}"),
    ('tied = { true = "--tied" }', "", "space.tied", "never hears of tied", ""),
    ('data = "--subset {data}"', "", "phase[2].data", "cannot take a share", "--subset {data}"),
    ('all = "--no-val"', "", "phase[4].data", "without holding data back", 'data = "split"'),
    (" --seed {seed}", "", "phase[3].seeds", "given no seed", "{seed}"),
    ('data = "--sub', 'dta = "--sub', "task.flags.dta", "no flag applies to 'dta'", "did you mean 'data'?"),
    (
        'true = "--tied"',
        'yes = "--tied"',
        "task.flags.tied.yes",
        "'yes' is no option of tied",
        "known: false, true",
    ),
    (
        'momentum = "--momentum {momentum}"',
        'momentum = { a = "-m" }',
        "task.flags.momentum",
        "is a range",
        "",
    ),
    (
        "epoch = 'epoch (\\d+)'",
        "epoch = 'epoch (\\d+'",
        "task.metrics.text.epoch",
        "no regular expression",
        "",
    ),
    ("'valid loss (\\S+)'", "'valid loss \\S+'", "task.metrics.text.val_loss", "0 groups in brackets", ""),
    ("val_loss = 'valid", "loss_ = 'valid", "objective.metric", "no metric called 'val_loss' is read", ""),
    ("text = {", "csv = { val_loss = 'v' }\ntext = {", "task.metrics.csv.file", "missing", "metrics.csv"),
    (
        "[data]",
        '[training]\nprecision = "bf16"\n[data]',
        "training.precision",
        "own business",
        "script's own flags",
    ),
    ("[data]", "[data]\nvalidation = 0.1", "data.validation", "own business", ""),
    ("[data]", '[limits]\ncheckpoint_every = "1m"\n[data]', "limits.checkpoint_every", "own business", ""),
    (
        "[data]",
        "[schedules]\nlate = { lr = { 5 = 0.1 } }\n[data]",
        "schedules",
        "own schedules",
        "{schedule}",
    ),
]


def test_the_whole_of_it_is_accepted():
    roadmap = parse(ROADMAP)
    assert roadmap.task.command is not None and roadmap.task.file is None and not roadmap.warnings


@pytest.mark.parametrize(("old", "new", "path", "message", "right"), CASES)
def test_a_mistake_is_told_with_its_place(old, new, path, message, right):
    assert old in ROADMAP
    found = problems(ROADMAP.replace(old, new, 1))
    hit = [p for p in found if f"{path}: " in p and message in p]
    assert hit and right in hit[0], found


def test_keys_of_a_command_are_refused_beside_a_file():
    text = ROADMAP.replace('command = "python train.py', 'file = "train.py"\n# "python', 1)
    assert [p.split(": ")[1] for p in problems(text)] == ["task.weights", "task.flags", "task.metrics"]


def test_a_schedule_is_an_option_of_the_scripts_own():
    text = ROADMAP.replace("--lr {lr}", "--lr {lr} --schedule {schedule}")
    assert problems(text.replace("[data]", 'schedule = { choice = ["cosine", "linear"] }\n[data]')) == []


def test_a_final_on_a_split_is_a_declared_deviation():
    assert problems(ROADMAP.replace('all = "--no-val"', "") + 'data = "split"\n') == []


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("--epochs {epochs}", "", "not told how long to train"),
        ('weights = "{checkpoint}"', "", ""),
        ('epochs = 9\n[[phase]]\nkind = "final"', 'epochs = 9\n[[phase]]\nkind = "final"', ""),
    ],
)
def test_what_is_probably_not_meant_is_warned_of(old, new, words):
    said = " ".join(map(str, parse(ROADMAP.replace(old, new, 1)).warnings))
    assert words in said and bool(said) == bool(words)


def test_trials_that_should_go_on_start_over_where_the_script_cannot_resume():
    grid = '[[phase]]\nkind = "grid"\npoints = { lr = 2 }\nepochs = 3\nfinish = { epochs = 6 }\n'
    grid += '[[phase]]\nkind = "confirm"'
    text = ROADMAP.replace('[[phase]]\nkind = "confirm"', grid, 1)
    assert any("start over, to the full length" in str(w) for w in parse(text).warnings)
    can = text.replace("[task.flags]", '[task.flags]\nresume = "--resume {checkpoint}"')
    assert not parse(can).warnings


def test_a_script_that_resumes_says_in_which_epoch_it_is():
    text = ROADMAP.replace("[task.flags]", '[task.flags]\nresume = "-r"').replace(
        "epoch = 'epoch (\\d+)', ", ""
    )
    assert any("in which epoch" in p for p in problems(text))


def test_without_metrics_the_script_writes_its_own():
    lines = [line for line in ROADMAP.split("\n") if not line.startswith(("[task.metrics]", "text ="))]
    assert problems("\n".join(lines)) == []
