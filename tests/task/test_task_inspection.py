"""What a check learns by running the task: real task files in real processes."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest
from tests.support.trials import BLOBS, run_in_fork, write_task

from staycourse.core import space as spaces
from staycourse.core.schedules import Schedule, to_json
from staycourse.core.space import Choice, Condition, Fixed, Interval, Space

SPACE = Space(
    (
        Interval("lr", 1e-4, 1e-1, log=True),
        Interval("batch_size", 4, 32, log=True, integer=True),
        Interval("dropout", 0.0, 0.5),
        Choice("optimizer", ("adamw", "sgd")),
        Interval("momentum", 0.8, 0.99, when=(Condition("optimizer", ("sgd",)),)),
    )
)


def answer_into(request: dict[str, Any], path: str) -> None:
    from staycourse.task.inspection import inspect

    Path(path).write_text(json.dumps(inspect(request)))


def request(tmp_path: Path, source: str = BLOBS, space: Space = SPACE, **changes: Any) -> dict[str, Any]:
    task = write_task(tmp_path, source)
    args = changes.pop("args", {})
    return {
        "task": {"code": task.code, "file": task.file, "folder": task.folder, "args": args},
        "space": spaces.to_json(space),
        "seed": 7,
        "metrics": [{"name": "val_loss", "path": ["objective", "metric"]}],
        **changes,
    }


def inspect(*given: Any, **changes: Any) -> dict[str, Any]:
    """The answer of an inspection in a process of its own."""
    with tempfile.NamedTemporaryFile() as file:
        assert run_in_fork(answer_into, request(*given, **changes), file.name) == 0
        answer: dict[str, Any] = json.loads(Path(file.name).read_text())
    return answer


def problem(*given: Any, **changes: Any) -> tuple[list[Any], str]:
    """The only problem: its path, its message with what would be right."""
    problems = inspect(*given, **changes)["problems"]
    assert len(problems) == 1, problems
    return problems[0]["path"], f"{problems[0]['message']} ({problems[0]['right']})"


def test_the_command_answers_in_json_and_prints_go_elsewhere(tmp_path: Path) -> None:
    source = "print('hello from the task')\n" + BLOBS
    done = subprocess.run(
        [sys.executable, "-P", "-m", "staycourse.task.inspection"],
        input=json.dumps(request(tmp_path, source)),
        capture_output=True,
        text=True,
        check=True,
    )
    answer = json.loads(done.stdout)
    assert answer["problems"] == []
    assert "hello from the task" in done.stderr


def test_facts_of_a_task_without_problems(tmp_path: Path) -> None:
    answer = inspect(tmp_path)
    facts = answer["facts"]
    assert answer["problems"] == answer["notes"] == []
    assert (facts["train_samples"], facts["validation_samples"]) == (82, 21)
    assert facts["sample"] == "(float32[4], int64[])"
    assert facts["metrics"] == ["train_loss", "val_loss", "accuracy"]
    assert facts["parameters"] == 5 * 8 + 9 * 2
    assert facts["stratified"]
    assert facts["generators"] == []
    assert facts["fingerprint"]["method"] == "all samples"
    assert (facts["fingerprint"]["samples"], facts["setups_tried"]) == (103, 2)


def test_every_option_is_tried(tmp_path: Path) -> None:
    source = BLOBS.replace("nn.ReLU()", "{'relu': nn.ReLU, 'tanh': nn.Tanh, 'gelu': lambda: 1 / 0}[hp.act]()")
    space = Space((*SPACE.hyperparameters, Choice("act", ("relu", "tanh", "gelu"))))
    path, message = problem(tmp_path, source, space)
    assert path == ["task", "file"]
    assert message.startswith(
        "with act=gelu: model() raises ZeroDivisionError: division by zero (blobs.py, line "
    )


def test_options_that_exist_under_others_only_are_tried_there(tmp_path: Path) -> None:
    space = Space(
        (
            *SPACE.hyperparameters,
            Choice("head", ("linear", "deep")),
            Choice("norm", ("layer", "batch"), (Condition("head", ("deep",)),)),
        )
    )
    source = BLOBS.replace(
        "    dropout = nn", "    assert hp.head == 'linear' or hp.norm != 'batch'\n    dropout = nn"
    )
    assert problem(tmp_path, source, space)[1].startswith(
        "with head=deep norm=batch: model() raises AssertionError"
    )


CE = "nn.functional.cross_entropy(model(x), y)"
ACCURACY = '{"accuracy": (model(x).argmax(1) == y).float().mean()}'
# Its learning rate is a number of NumPy's.
OF_NUMPY = """
import numpy as np
import torch
def optimizer(model, hp): return torch.optim.AdamW(model.parameters(), lr=np.sqrt(hp.lr))
"""
# What is changed in the task, into what, the last key of the path, the message.
MISTAKES = [
    ("import torch\n", OF_NUMPY, "file", "state of model or optimizer holds numpy."),
    ("def loss(", "def teacher(): pass\ndef loss(", "file", "teacher() returns None, and a model is needed"),
    ("import torch\n", "import torchh\n", "file", "importing blobs.py raises ModuleNotFoundError: No"),
    ("def loss(", "def lost(", "file", "has no function loss()"),
    ("type=int, default=8", "type=bool, default=False", "hidden", "every text that is not empty is true"),
    ("default=103", "default=0", "file", "dataset() is empty"),
    ("x = torch.randn", "x = 1 / 0 * torch.randn", "file", "dataset() raises ZeroDivisionError: division by"),
    ("default=103", "default=30", "batch_size", "24 samples are left to train on, and a batch has up to 32"),
    (CE, "model(x)", "file", "loss() has the shape"),
    (CE, "3", "file", "loss() returns int"),
    (CE, CE.replace("(x)", "(x).detach()"), "file", "loss() returns a tensor without a gradient"),
    (CE, f"{CE} * float('nan')", "file", "loss() is nan on the very first batch"),
    (CE, "model(x[:, :3]).mean()", "file", "loss() raises RuntimeError: mat1 and mat2 shapes cannot be"),
    ("return nn.Sequential(", "return list(", "file", "model() raises TypeError"),
    (ACCURACY, "model(x).mean()", "file", "metrics() returns Tensor, and a dict"),
    (ACCURACY, "{'a': model(x)}", "file", "has the shape"),
    (ACCURACY, "{'lr': 3}", "file", "a name that the engine uses itself"),
    (ACCURACY, "{'a': y[999]}", "file", "metrics() raises IndexError: index 999 is out of bounds"),
    ('hp.get("dropout", 0.1)', "0.1", "dropout", "no function reads it"),
]


@pytest.mark.parametrize(("before", "after", "path", "message"), MISTAKES)
def test_each_mistake_is_told(tmp_path: Path, before: str, after: str, path: str, message: str) -> None:
    assert before in BLOBS
    at, told = problem(tmp_path, BLOBS.replace(before, after))
    assert at[-1] == path
    assert message in told


@pytest.mark.parametrize(
    ("where", "reads"),
    [
        (CE, f"{CE} * (1 + hp['dropout'])"),
        (ACCURACY, "{'a': y.float().mean() + hp.dropout}"),
    ],
    ids=["loss", "metrics"],
)
def test_a_hyperparameter_may_be_read_by_one_function_alone(tmp_path: Path, where: str, reads: str) -> None:
    source = BLOBS.replace('hp.get("dropout", 0.1)', "0.1")
    assert where in source
    assert inspect(tmp_path, source.replace(where, reads))["problems"] == []


def test_metrics_that_are_never_reported(tmp_path: Path) -> None:
    wanted = [
        {"name": "val_accuracy", "path": ["objective", "metric"]},
        {"name": "val_acuracy", "path": ["phase", 1, "stop", "metric"]},
    ]
    path, message = problem(tmp_path, metrics=wanted)
    assert path == ["phase", 1, "stop", "metric"]
    assert "never reports 'val_acuracy'; it reports train_loss, val_loss, accuracy" in message
    assert "did you mean 'accuracy'?" in message


def test_an_unknown_optimizer_is_answered_with_the_nearest(tmp_path: Path) -> None:
    space = Space((*SPACE.hyperparameters[:3], Choice("optimizer", ("adamw", "addam"))))
    _, message = problem(tmp_path, BLOBS, space)
    assert message.startswith(
        "with optimizer=addam: torch.optim has no optimizer 'addam' (did you mean 'adam'?)"
    )


def test_a_share_may_make_the_data_smaller_than_a_batch(tmp_path: Path) -> None:
    _, message = problem(tmp_path, shares=[1.0, 0.25])
    assert "a share of 0.25, 20 samples are left to train on, and a batch has up to 32" in message


def test_read_under_some_options_only_is_a_note(tmp_path: Path) -> None:
    space = Space((*SPACE.hyperparameters[:4], Fixed("momentum", 0.9)))
    answer = inspect(tmp_path, BLOBS, space)
    assert answer["problems"] == []
    assert answer["notes"] == ["momentum is read under some options only, not with optimizer=adamw"]


def test_the_engine_reads_nothing_of_the_optimizers_if_the_task_makes_its_own(tmp_path: Path) -> None:
    source = BLOBS + "def optimizer(model, hp): return torch.optim.SGD(model.parameters(), lr=hp.lr)\n"
    answer = inspect(tmp_path, source)
    assert {p["path"][-1] for p in answer["problems"]} == {"optimizer", "momentum"}


def test_set_ups_named_by_a_phase_are_tried_too(tmp_path: Path) -> None:
    _, message = problem(tmp_path, setups=[{"optimizer": "nope"}])
    assert message.startswith("with optimizer=nope: ")


def test_a_schedule_that_torch_refuses_is_told_with_its_key_and_optimizer(tmp_path: Path) -> None:
    schedule = Choice("schedule", ("constant", "cosine", "cycle", "late"))
    space = Space((*SPACE.hyperparameters[:3], Choice("optimizer", ("adamw", "adagrad")), schedule))
    schedules = {
        "constant": Schedule(),
        "cosine": Schedule(torch="CosineAnnealingLR", settings={"eta_mni": 1e-6}),
        "cycle": Schedule(torch="OneCycleLR"),
        "late": Schedule(
            warmup=2.0, torch="OneCycleLR", settings={"total_steps": 9, "cycle_momentum": False}
        ),
        "unused": Schedule({"momentum": {3: 0.5}}),
        "unused_too": Schedule(torch="StepLR"),
    }
    asked = {"schedules": to_json(schedules), "horizons": [9, 30]}
    told = {".".join(p["path"]): p["message"] for p in inspect(tmp_path, BLOBS, space, **asked)["problems"]}
    assert told.keys() == {
        "schedules.cosine.eta_mni",
        "schedules.cycle.torch",
        "schedules.late.torch",
        "schedules.unused_too.torch",
    }
    assert "CosineAnnealingLR does not have (did you mean 'eta_min'?)" in told["schedules.cosine.eta_mni"]
    assert told["schedules.cycle.torch"].startswith("with Adagrad: the schedule has settings that OneCycleLR")
    assert "over 28 epochs" in told["schedules.late.torch"]
    assert "lacks what StepLR needs: step_size" in told["schedules.unused_too.torch"]


def test_a_schedule_is_not_tried_with_an_optimizer_under_which_it_does_not_exist(tmp_path: Path) -> None:
    when = (Condition("optimizer", ("adamw",)),)
    named = Choice("schedule", ("cycle",), when=when)
    space = Space((*SPACE.hyperparameters[:3], Choice("optimizer", ("adamw", "adagrad")), named))
    asked = {"schedules": to_json({"cycle": Schedule(torch="OneCycleLR")}), "horizons": [9]}
    assert inspect(tmp_path, BLOBS, space, **asked)["problems"] == []


OWN_GENERATOR = """
    generator = torch.Generator()
    class Own(torch.utils.data.Dataset):
        def __len__(self): return 100
        def __getitem__(self, index): return torch.rand(4, generator=generator), index % 2
    return Own()
"""


def test_a_generator_of_its_own_is_refused_unless_allowed(tmp_path: Path) -> None:
    source = BLOBS.replace("def dataset(args):", "def dataset(args):" + OWN_GENERATOR)
    path, message = problem(tmp_path, source)
    assert path == ["task", "file"]
    assert "generator of its own" in message
    assert "[data] exact = false" in message
    allowed = inspect(tmp_path, source, exact=False)
    assert allowed["problems"] == []
    assert "will not repeat exactly" in allowed["notes"][0]
    again = inspect(tmp_path, source, exact=False)
    assert allowed["facts"]["fingerprint"] == again["facts"]["fingerprint"]


def test_a_data_set_made_at_random_each_time_is_refused(tmp_path: Path) -> None:
    source = BLOBS.replace("torch.randn(args.count, 4)", "torch.randn(args.count, 4, generator=OWN)")
    _, message = problem(tmp_path, source + "OWN = torch.Generator()\n")
    assert "dataset() gives different data" in message


def test_augmentation_from_global_generators_is_welcome_and_named(tmp_path: Path) -> None:
    source = BLOBS.replace("return TensorDataset(", "return Noisy(") + (
        "import random\n"
        "class Noisy(TensorDataset):\n"
        "    def __getitem__(self, i):\n"
        "        x, y = super().__getitem__(i)\n"
        "        return x + torch.rand(4) + random.random(), y\n"
    )
    answers = [inspect(tmp_path, source) for _ in range(2)]
    assert answers[0]["problems"] == []
    assert answers[0]["facts"]["generators"] == ["random", "torch"]
    assert answers[0]["facts"]["fingerprint"] == answers[1]["facts"]["fingerprint"]


def test_the_fingerprint_changes_with_one_sample(tmp_path: Path) -> None:
    shas = {
        inspect(tmp_path, source)["facts"]["fingerprint"]["sha256"]
        for source in (BLOBS, BLOBS.replace("    return Tensor", "    x[57, 2] += 1e-6\n    return Tensor"))
    }
    assert len(shas) == 2


def test_files_are_the_fingerprint_where_the_roadmap_names_them(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data/a.bin").write_bytes(b"1" * 1000)
    source = BLOBS.replace(
        "def add_arguments(parser):",
        "def add_arguments(parser):\n    parser.add_argument('--shards', default='data')",
    )
    first = inspect(tmp_path, source, files=["{args.shards}/*.bin"])["facts"]["fingerprint"]
    assert (first["method"], first["files"], first["bytes"]) == ("content", 1, 1000)
    (tmp_path / "data/a.bin").write_bytes(b"1" * 999 + b"2")
    assert (
        inspect(tmp_path, source, files=["data/*.bin"])["facts"]["fingerprint"]["sha256"] != first["sha256"]
    )
    path, message = problem(tmp_path, source, files=["data/*.bin", "data/*.nothing"])
    assert path == ["data", "files", 1]
    assert "no file matches" in message


READS = """
def dataset(args):
    with open("points.csv") as file:
        x = torch.tensor([[float(v) for v in line.split(",")] for line in file])
    with open("cache.bin", "wb") as file:
        file.write(b"1")
    with open("cache.bin", "rb") as file:
        file.read()
    import sklearn
    return TensorDataset(x, (x.sum(1) > 0).long())

"""


def test_files_that_the_data_set_is_read_from_are_listed(tmp_path: Path) -> None:
    """Not those that it writes itself, nor the code's, nor what belongs to the installation."""
    table = tmp_path / "points.csv"
    table.write_text("".join(f"{at},{at % 7 - 3},{at % 5},{-at}\n" for at in range(103)))
    (tmp_path / "unread.csv").write_text("1\n")
    start, end = BLOBS.index("def dataset("), BLOBS.index("def model(")
    facts = inspect(tmp_path, BLOBS[:start] + READS + BLOBS[end:])["facts"]
    ((path, size, _, sha256),) = facts["data_files"]["files"]
    assert (path, size) == ("points.csv", table.stat().st_size)
    assert sha256 == hashlib.sha256(table.read_bytes()).hexdigest()
    assert facts["fingerprint"]["method"] == "all samples"
    # By reading: an import inside a function counts, one of the standard library does not.
    assert {"torch", "scikit-learn"} <= set(facts["distributions"]) <= {"torch", "scikit-learn", "numpy"}


MAPS = """
def dataset(args):
    import numpy as np
    shared = Path(args.shared)
    x = np.memmap("points.bin", np.float32, shape=(103, 4))
    np.memmap("made.bin", np.float32, mode="w+", shape=(4,))[:] = 1
    np.memmap("made.bin", np.float32, shape=(4,))
    return TensorDataset(torch.tensor(x), torch.frombuffer(shared.read_bytes(), dtype=torch.int64))

"""


def test_memory_maps_and_shared_memory_are_data(tmp_path: Path) -> None:
    """Numpy maps a file for writing too if nothing else is said, and what is read fast lies in /dev/shm."""
    (tmp_path / "points.bin").write_bytes(bytes(103 * 16))
    start, end = BLOBS.index("def dataset("), BLOBS.index("def model(")
    source = "from pathlib import Path\n" + BLOBS[:start] + MAPS + BLOBS[end:]
    source = source.replace('"--count"', '"--shared")\n    parser.add_argument("--count"')
    with tempfile.NamedTemporaryFile(dir="/dev/shm") as shared:
        shared.write(bytes(103 * 8))
        shared.flush()
        facts = inspect(tmp_path, source, args={"shared": shared.name})["facts"]
    assert [name for name, *_ in facts["data_files"]["files"]] == [shared.name, "points.bin"]


def test_digits_are_inspected_in_a_process_of_its_own(tmp_path: Path) -> None:
    source = (
        BLOBS.replace(
            "    x = torch.randn(args.count, 4)\n    return TensorDataset(x, (x.sum(1) > 0).long())",
            "    from sklearn.datasets import load_digits\n    d = load_digits()\n"
            "    return TensorDataset(torch.tensor(d.data).float(), torch.tensor(d.target))",
        )
        .replace("nn.Linear(4", "nn.Linear(64")
        .replace("args.hidden, 2)", "args.hidden, 10)")
    )
    asked = json.dumps(request(tmp_path, source))
    command = [sys.executable, "-m", "staycourse.task.inspection"]
    done = subprocess.run(command, input=asked, capture_output=True, text=True, check=True)
    answer = json.loads(done.stdout)
    assert answer["problems"] == []
    assert answer["facts"]["fingerprint"]["samples"] == 1797
