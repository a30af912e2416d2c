"""Which GPUs a run may use: CUDA_VISIBLE_DEVICES and --devices."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.support import fake_nvml
from tests.support.fake_nvml import GIB, FakeGpu
from tests.support.run_folder import sealed_run
from tests.support.tiny import Place, engine_of, engines_that_wait

from staycourse.core.problems import UserError
from staycourse.hardware.gpus import DevicesError, NvmlUnavailable, visible_gpus

UUIDS = ["GPU-aaaa1111", "GPU-aaaa2222", "GPU-bbbb3333"]
MIG = "MIG-cccc4444"


@pytest.fixture
def listed(driver: Path, in_process: Callable[..., Any]) -> Callable[..., Any]:
    """The indices of the GPUs that three settings leave, or the message that refuses them."""
    instance = FakeGpu(uuid=MIG, name="NVIDIA H100 MIG 1g.10gb", memory_total=10 * GIB, util=None, parent=1)
    fake_nvml.configure(driver, [*(FakeGpu(uuid=uuid) for uuid in UUIDS), instance])

    def run(variable: str | None, devices: str | None = None) -> Any:
        environ = {} if variable is None else {"CUDA_VISIBLE_DEVICES": variable}
        script = f"""
            try:
                show([gpu.index for gpu in visible_gpus(nvml, {environ!r}, {devices!r})])
            except DevicesError as error:
                show(str(error))
        """
        return in_process(script, driver)

    return run


@pytest.mark.parametrize(
    ("variable", "indices"),
    [
        (None, [0, 1, 2]),
        ("", []),
        ("-1", []),
        ("NoDevFiles", []),
        ("1", [1]),
        ("2,0", [2, 0]),
        (" 2 , 0 ", [2, 0]),
        ("0,2,-1,1", [0, 2]),
        ("0,7,1", [0]),
        ("1gpu2,2ampere", [1, 2]),
        ("0,1,0", []),
        ("0,GPU-bbbb3333", [0]),
        ("GPU-bbbb3333,GPU-aaaa1111", [2, 0]),
        ("GPU-b,GPU-aaaa2", [2, 1]),
        ("GPU-bbbb3333,GPU-aaaa", [2]),
        ("GPU-bbbb3333,0", [2]),
        ("GPU-b,GPU-bbbb", []),
        ("GPU-dddd", []),
        ("MIG-unknown", []),
    ],
)
def test_cuda_visible_devices_is_read_as_cuda_reads_it(
    listed: Callable[..., Any], variable: str | None, indices: list[int]
) -> None:
    assert listed(variable) == indices


def test_a_mig_instance_is_used_as_it_is(listed: Callable[..., Any], driver: Path, in_process: Any) -> None:
    script = f"""
        environ = {{"CUDA_VISIBLE_DEVICES": "{MIG},0"}}
        [gpu] = visible_gpus(nvml, environ)
        names = [f"{{d}} {{n}}" for d, n, _ in Sampler([gpu], nvml).sample([]) if d != "cpu"]
        show([gpu.index, gpu.uuid, gpu.name, gpu.memory_total, names])
    """
    index, uuid, name, memory, readings = in_process(script, driver)
    assert (index, uuid, name, memory) == (1, MIG, "NVIDIA H100 MIG 1g.10gb", 10 * GIB)
    assert "gpu1 memory_used_bytes" in readings
    assert "gpu1 util_percent" not in readings


@pytest.mark.parametrize(
    ("variable", "devices", "indices"),
    [
        (None, "cpu", []),
        (None, "2,0", [2, 0]),
        (None, " gpu1 ", [1]),
        (None, "GPU-b", [2]),
        (None, "GPU-aaaa1111,1", [0, 1]),
        ("2,1", "1", [1]),
        ("2,1", None, [2, 1]),
    ],
)
def test_devices_narrows_what_is_visible(
    listed: Callable[..., Any], variable: str | None, devices: str | None, indices: list[int]
) -> None:
    assert listed(variable, devices) == indices


@pytest.mark.parametrize(
    ("variable", "devices", "wrong"),
    [
        (None, "3", "there is no GPU '3' for this process"),
        (None, "", "there is no GPU '' for this process"),
        (None, "cuda", "there is no GPU 'cuda' for this process"),
        (None, "GPU-aaaa", "'GPU-aaaa' fits 2 GPUs"),
        (None, "1,gpu1", "'gpu1' names GPU 1 a second time"),
        (None, "0,cpu", "'cpu' stands alone"),
        ("2,1", "0", "there is no GPU '0' for this process"),
        ("", "0", "there is no GPU '0' for this process"),
    ],
)
def test_a_bad_devices_option_says_what_is_wrong(
    listed: Callable[..., Any], variable: str | None, devices: str, wrong: str
) -> None:
    message = listed(variable, devices)
    assert message.startswith(f"--devices: {wrong}")


def test_a_bad_devices_option_names_what_would_be_right(listed: Callable[..., Any]) -> None:
    message = listed("2", "0")
    assert message.endswith("right would be cpu, or of: 2 (NVIDIA H100 80GB HBM3, GPU-bbbb3333)")


def test_without_a_driver_devices_can_only_be_cpu() -> None:
    none = NvmlUnavailable("it is installed but not loaded")
    assert visible_gpus(none, {"CUDA_VISIBLE_DEVICES": "0"}) == []
    assert visible_gpus(none, {}, "cpu") == []
    with pytest.raises(DevicesError, match="no NVIDIA driver: it is installed but not loaded; right"):
        visible_gpus(none, {}, "0")
    assert issubclass(DevicesError, UserError)


@pytest.mark.parametrize(
    ("variable", "devices", "lasting"),
    [
        (None, None, None),
        (None, "0", "0"),
        ("2,1", "1", "1"),
        ("2,1", None, "GPU-bbbb3333,GPU-aaaa2222"),
        ("GPU-b", None, "GPU-bbbb3333"),
        (MIG, None, MIG),
        ("", None, "cpu"),
        ("7", None, "cpu"),
    ],
)
def test_what_the_variable_says_is_said_for_good(
    listed: Callable[..., Any],
    driver: Path,
    in_process: Any,
    variable: str | None,
    devices: str | None,
    lasting: str | None,
) -> None:
    """The option that is kept names the same GPUs where the variable is not set."""
    environ = {} if variable is None else {"CUDA_VISIBLE_DEVICES": variable}
    assert in_process(f"show(lasting_devices({environ!r}, {devices!r}))", driver) == lasting
    assert listed(variable, devices) == listed(None, lasting)


def test_a_mig_instance_that_is_not_there_is_refused(listed: Callable[..., Any]) -> None:
    assert listed(None, "MIG-unknown").startswith("--devices: there is no GPU 'MIG-unknown'")


def test_an_engine_is_given_the_gpus_of_the_variable_for_good(place: Place, driver: Path) -> None:
    fake_nvml.configure(driver, [FakeGpu(uuid=uuid) for uuid in UUIDS])
    library = fake_nvml.environment(driver)["LD_LIBRARY_PATH"]
    gpus = {"LD_LIBRARY_PATH": library, "CUDA_VISIBLE_DEVICES": "1"}
    place.more = {**gpus, **engines_that_wait(place.folder)}
    sealed_run(place.runs / "small-1")[1].close(final=True)
    with place.started("resume", "small-1", "--no-ui") as view:
        command = engine_of(place, view).cmdline()
    options = json.loads(command[command.index("--options") + 1])
    assert options["devices"] == "GPU-aaaa2222"
