"""Functions by name, parameters by name, and the set-up as the task sees it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from staycourse.core.job import TaskSpec
from staycourse.task.contract import Setup, Task
from staycourse.task.mistakes import TaskError

WHOLE = """
def dataset(args, stage): return stage
def model(hp): return hp
def loss(model, batch, **more): return model, batch, sorted(more)
"""


def load(tmp_path: Path, source: str, args: dict[str, Any] | None = None, name: str = "task.py") -> Task:
    (tmp_path / name).write_text(source)
    return Task.load(TaskSpec(str(tmp_path), name, str(tmp_path), args or {}))


def mistakes(tmp_path: Path, source: str) -> list[str]:
    with pytest.raises(TaskError) as caught:
        load(tmp_path, source)
    assert all(p.path[0] == "task" for p in caught.value.problems)
    return [f"{p.message} ({p.right})" for p in caught.value.problems]


def test_each_function_gets_what_it_declares(tmp_path: Path) -> None:
    task = load(tmp_path, WHOLE)
    assert task.call("dataset", stage="train") == "train"
    assert task.call("model", hp=1, dataset=2) == 1
    assert task.bind("loss", model="m", hp="h", epoch=3)("b") == ("m", "b", ["args", "epoch", "hp"])
    assert not task.has("metrics")
    assert task.takes("loss", "teacher")
    assert not task.takes("model", "dataset")


def test_parameters_with_defaults_of_their_own_are_the_tasks_business(tmp_path: Path) -> None:
    task = load(tmp_path, WHOLE.replace("def model(hp)", "def model(hp, width=64)"))
    assert task.call("model", hp=1) == 1


def test_local_modules_and_dataclasses_work_and_nothing_is_written(tmp_path: Path) -> None:
    (tmp_path / "beside.py").write_text("VALUE = 5\n")
    source = (
        "from __future__ import annotations\nimport dataclasses, beside\n"
        "@dataclasses.dataclass\nclass Config:\n    n: int = beside.VALUE\n" + WHOLE
    )
    load(tmp_path, source.replace("return stage", "return Config().n"))
    assert not list(tmp_path.rglob("__pycache__"))


def test_a_task_may_be_called_like_a_module_that_is_loaded(tmp_path: Path) -> None:
    import random

    load(tmp_path, WHOLE, name="random.py")
    assert sys.modules["random"] is random


def test_missing_functions_are_all_named(tmp_path: Path) -> None:
    found = mistakes(tmp_path, "def dataset(): pass\n")
    assert ["no function model()" in found[0], "no function loss()" in found[1]] == [True, True]
    assert "a task needs dataset(), model(), loss()" in found[0]


def test_a_parameter_that_is_not_offered_is_named_with_what_is(tmp_path: Path) -> None:
    (found,) = mistakes(
        tmp_path,
        WHOLE.replace("loss(model, batch, **more)", "loss(model, btach)").replace(", sorted(more)", ""),
    )
    assert "loss() asks for 'btach'" in found
    assert "model, batch, hp" in found
    (found,) = mistakes(tmp_path, WHOLE.replace("dataset(args, stage)", "dataset(args, hp)"))
    assert "the data is the same for every set-up" in found


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (
            "import nothing_of_that_name\n",
            "ModuleNotFoundError: No module named 'nothing_of_that_name' (task.py, line 1)",
        ),
        ("x = 1\nraise ValueError('\\x1b[2Jboom\\n')\n", "ValueError: boom (task.py, line 2)"),
        ("def f(:\n", "SyntaxError: invalid syntax (task.py, line 1)"),
        ("import sys\nsys.exit(2)\n", "SystemExit: 2 (task.py, line 2)"),
    ],
)
def test_a_file_that_raises_on_import_is_told_in_one_line(tmp_path: Path, source: str, message: str) -> None:
    (found,) = mistakes(tmp_path, source)
    assert f"importing task.py raises {message}" in found


def test_an_exception_in_add_arguments_is_the_tasks(tmp_path: Path) -> None:
    (found,) = mistakes(tmp_path, WHOLE + "def add_arguments(parser): raise RuntimeError('no')\n")
    assert "add_arguments() raises RuntimeError: no (task.py, line 5)" in found


def test_a_set_up_is_read_only_and_notes_what_is_read() -> None:
    setup = Setup({"lr": 0.1, "dropout": 0.5, "width": 3})
    assert (setup["lr"], setup.dropout, setup.get("nothing", 7)) == (0.1, 0.5, 7)
    assert "width" in setup
    assert setup.names_read == {"lr", "dropout", "nothing"}
    assert dict(setup.replaced({"width": 4})) == {"lr": 0.1, "dropout": 0.5, "width": 4}
    assert "width" in setup.names_read, "a set-up that is replaced notes in the same place"
    with pytest.raises(KeyError, match="did you mean 'dropout'"):
        setup["droput"]
    with pytest.raises(AttributeError, match="did you mean 'dropout'"):
        _ = setup.droput
    with pytest.raises(TypeError):
        setup["lr"] = 3  # type: ignore[index]
