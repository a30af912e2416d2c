"""The second look at the data, in a process of its own, as its supervisor starts it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from staycourse.training.output import LIMIT

LOUD = """
def dataset(args):
    for _ in range(70):
        print("x" * 2**20)
    raise RuntimeError("enough")


def model(args): ...


def loss(model, batch): ...
"""
CHECK = "import sys; from staycourse.task import data_check; data_check.main(*map(int, sys.argv[1:]))"


def compared(folder: Path, task: str) -> dict:
    """The answer about a task's data; what it prints lies in `log`."""
    (folder / "task.py").write_text(task, encoding="utf-8")
    told = {"code": str(folder), "file": "task.py", "folder": str(folder), "args": {}}
    request = {"manifest": None, "outside": None, "folder": str(folder), "validation": 0.2, "seed": 1}
    request |= {"task": told, "fingerprint": {"method": "all samples", "sha256": ""}}
    orders, request_end = os.pipe()
    answer_end, events = os.pipe()
    os.write(request_end, json.dumps(request).encode() + b"\n")
    with (folder / "log").open("ab") as log:
        command = [sys.executable, "-P", "-c", CHECK, str(orders), str(events)]
        child = subprocess.Popen(command, pass_fds=(orders, events), stdout=log, stderr=log)
    for end in (orders, events, request_end):
        os.close(end)
    with child, os.fdopen(answer_end) as answer:
        return json.loads(answer.readline())


def test_what_a_task_prints_meanwhile_is_bounded(tmp_path: Path) -> None:
    answer = compared(tmp_path, LOUD)
    assert answer["changed"]["first"] == ["its samples cannot be read: RuntimeError: enough"]
    assert 0 < (tmp_path / "log").stat().st_size <= LIMIT
