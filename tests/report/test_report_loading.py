"""The report's code that loads the weights, run as a reader would: copied, in the run's folder."""

from __future__ import annotations

import re
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from tests.report.eventful import eventful_run
from tests.support.sample_run import ROADMAP

from staycourse.core.job import Job, TaskSpec
from staycourse.record.paths import RunPaths
from staycourse.report import write_report
from staycourse.report.winner import loading_code

SHORT = (
    ROADMAP.split("[[phase]]")[0]
    + """
[[phase]]
kind = "narrow"
trials = 3
epochs = 5

[[phase]]
kind = "final"
"""
)
PLAIN = """
    import torch
    from nets import Mlp

    def add_arguments(parser):
        parser.add_argument("--hidden-size", type=int, required=True)
        parser.add_argument("--depth", type=int, default="2")

    def dataset(args, stage):
        return [(torch.zeros(7), 0)] * 4

    def model(args, hp):
        assert (args.depth, hp["lr"], hp.get("none")) == (2, hp.lr, None)
        return Mlp(7, args.hidden_size, 3)
"""
NEEDS_DATA = PLAIN.replace("def model(args, hp):", "def model(hp, dataset, args):").replace(
    "Mlp(7,", "Mlp(len(dataset[0][0]),"
)
BARE = """
    from nets import Mlp

    def dataset(): return []

    def model(): return Mlp(7, 5, 3)
"""
IMPORTED = "from nets import add_arguments, make as model\n"
ANY_NAME = """
    from nets import Mlp

    def model(**offered): return Mlp(7, 5, 3)
"""
NETS = """
    from torch import nn

    class Mlp(nn.Sequential):
        def __init__(self, *sizes):
            super().__init__(*(nn.Linear(a, b) for a, b in zip(sizes, sizes[1:])))

    def add_arguments(parser):
        parser.add_argument("--hidden-size", type=int, default=5)

    def make(hp, args):
        return Mlp(7, args.hidden_size, 3)
"""


def snippet(report: str) -> str:
    return re.findall(r"```python\n(.*?)\n```", report, flags=re.DOTALL)[0]


@pytest.mark.slow
@pytest.mark.parametrize("task", [PLAIN, NEEDS_DATA, IMPORTED])
def test_the_code_loads_the_trained_weights(tmp_path: Path, task: str) -> None:
    """The weights and setup.json are written by the engine's own export."""
    torch = pytest.importorskip("torch")
    from staycourse.training.export import export

    paths = RunPaths(tmp_path / "digits-1")
    for name, source in (("digits.py", task), ("nets.py", NETS)):
        paths.code.mkdir(parents=True, exist_ok=True)
        (paths.code / name).write_text(textwrap.dedent(source))
    (paths.trial("t49")).mkdir(parents=True)
    torch.save({}, paths.checkpoint("t49"))
    args = {"hidden-size": 5} if "hidden" in task else {}
    spec = TaskSpec(str(paths.code), "digits.py", str(tmp_path), args)
    job = Job("t49", str(paths.trial("t49")), spec, {"lr": 1e-3}, 7, 0, 59, 120, final=str(paths.final))
    weights = torch.nn.Sequential(torch.nn.Linear(7, 5), torch.nn.Linear(5, 3))
    export(job, weights, 59, 1000)
    eventful_run(
        paths.root, roadmap_text=SHORT, files={"model.safetensors": "a" * 64}, seal={"folder": str(tmp_path)}
    )
    write_report(paths)

    code = snippet(paths.report.read_text())
    show = "\nprint(float(sum(p.double().sum() for p in model.parameters())), model.training)\n"
    result = subprocess.run(
        [sys.executable, "-c", code + show], cwd=paths.root, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
    total, training = result.stdout.split()
    assert float(total) == float(sum(p.detach().double().sum() for p in weights.parameters()))
    assert training == "False"


@pytest.mark.parametrize("source", [PLAIN, NEEDS_DATA, BARE, IMPORTED, ANY_NAME, "", "def model(:"])
def test_the_code_is_python_and_needs_no_staycourse(source: str) -> None:
    code = loading_code(textwrap.dedent(source), '/home/o\'brien "x"\\work')
    compile(code, "snippet", "exec")
    assert "staycourse" not in code


def test_without_weights_it_says_so(finished: RunPaths) -> None:
    assert "There are none: no final phase" in finished.report.read_text()
