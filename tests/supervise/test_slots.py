"""Slots: which GPUs and CPUs a run uses, and whom it waits for. NVML through the real bindings against the
tests' own driver library; each scenario in a process of its own, for the bindings load a library once."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.support.fake_nvml import FakeGpu, FakeProcess, build, configure, environment

ROOT = Path(__file__).parents[2]
ASK = """
import os, sys
from staycourse.core.problems import UserError
from staycourse.hardware.gpus import open_nvml
from staycourse.supervise.options import Options
from staycourse.supervise.slots import make_slots, waits_for
nvml = open_nvml()
try:
    slots = make_slots(Options({options}), {asked!r}, nvml, os.environ)
except UserError as error:
    sys.exit(str(error))
for slot in slots:
    print(slot.name, slot.device, slot.environment["CUDA_VISIBLE_DEVICES"], *slot.cpus, sep="|")
    print("waits", waits_for(slot, nvml, []))
"""


@pytest.fixture(scope="module")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("nvml"))


def ask(folder: Path, options: str = "", asked: int | str = "auto", **more: str) -> tuple[list[str], str]:
    """What a process with that driver prints of its slots, and what it complains of."""
    path = {"PYTHONPATH": os.pathsep.join([str(ROOT / "engine"), str(ROOT)])}
    done = subprocess.run(
        [sys.executable, "-P", "-c", ASK.format(options=options, asked=asked)],
        env=environment(folder, **path, **more),
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done.stdout.splitlines(), done.stderr


def two_gpus(busy: bool = False) -> list[FakeGpu]:
    used = 3 << 30 if busy else 0
    processes = [FakeProcess(os.getpid(), used)] if busy else []
    other = FakeGpu(uuid="GPU-22222222-0000-0000-0000-000000000000", processes=processes, memory_used=used)
    return [FakeGpu(), other]


def test_a_slot_for_each_gpu_that_is_visible(driver: Path) -> None:
    configure(driver, gpus=two_gpus())
    said, _ = ask(driver)
    assert [line.split("|")[:2] for line in said[::2]] == [["gpu0", "cuda:0"], ["gpu1", "cuda:0"]]
    assert said[1::2] == ["waits None"] * 2
    uuids = [line.split("|")[2] for line in said[::2]]
    assert len(set(uuids)) == 2 and all(uuid.startswith("GPU-") for uuid in uuids)
    assert ask(driver, CUDA_VISIBLE_DEVICES="1")[0][0].startswith(f"gpu1|cuda:0|{uuids[1]}")
    assert ask(driver, "slots=1")[0][0].startswith("gpu0|") and len(ask(driver, "slots=1")[0]) == 2


def test_somebody_elses_gpu_is_waited_for_by_name(driver: Path) -> None:
    configure(driver, gpus=two_gpus(busy=True))
    said, _ = ask(driver)
    assert said[1] == "waits None"
    assert "GPU 1" in said[3] and f"pid {os.getpid()}" in said[3] and "3.0 GiB" in said[3]


def test_without_a_gpu_there_is_one_slot_or_as_many_as_asked_for(driver: Path) -> None:
    configure(driver, gpus=two_gpus())
    assert ask(driver, "devices='cpu'")[0][0] == "cpu|cpu|"
    said, _ = ask(driver, "devices='cpu', slots=3")
    assert [line.split("|")[0] for line in said[::2]] == ["cpu-1", "cpu-2", "cpu-3"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ("devices='7'", "no GPU '7'"),
        ("slots=3", "3 slots on 2 GPUs"),
        ("cpus='0-999'", "--cpus 0-999"),
    ],
)
def test_options_that_cannot_be_followed_are_refused(driver: Path, options: str, words: str) -> None:
    configure(driver, gpus=two_gpus())
    said, complaint = ask(driver, options)
    assert not said and words in complaint
