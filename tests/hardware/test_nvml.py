"""NVML through the real bindings, against a library that fails in the ways that drivers fail."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.support import fake_nvml
from tests.support.fake_nvml import GIB, FakeGpu

Run = Callable[..., Any]

READINGS = {
    "util_percent": 96.0,
    "memory_used_bytes": 30.0 * GIB,
    "memory_total_bytes": 80.0 * GIB,
    "power_watts": 412.5,
    "power_limit_watts": 700.0,
    "temperature_celsius": 61.0,
    "sm_clock_mhz": 1980.0,
}
SAMPLE_TWICE = """
    def gpu_readings(sampler):
        return {f"{d} {n}": v for d, n, v in sampler.sample([]) if d != "cpu"}
    sampler = Sampler(visible_gpus(nvml, {}), nvml)
    first, again = gpu_readings(sampler), gpu_readings(sampler)
    show([first, again, sampler.notes()])
"""


def two_gpus(**second: Any) -> list[FakeGpu]:
    return [FakeGpu(memory_used=30 * GIB), FakeGpu(uuid="GPU-2222", name="NVIDIA L4", **second)]


def test_every_sensor_is_read_in_the_unit_of_its_name(driver: Path, in_process: Run) -> None:
    fake_nvml.configure(driver, [FakeGpu(memory_used=30 * GIB)])
    first, again, notes = in_process(SAMPLE_TWICE, driver)
    assert first == again == {f"gpu0 {name}": value for name, value in READINGS.items()}
    assert notes == []


@pytest.mark.parametrize(
    ("field", "absent"),
    [
        ("util", "util_percent"),
        ("power_mw", "power_watts"),
        ("power_limit_mw", "power_limit_watts"),
        ("temperature", "temperature_celsius"),
        ("sm_clock_mhz", "sm_clock_mhz"),
    ],
)
def test_a_sensor_that_is_not_supported_is_merely_absent(
    driver: Path, in_process: Run, field: str, absent: str
) -> None:
    fake_nvml.configure(driver, [FakeGpu(memory_used=30 * GIB, **{field: None})])
    first, _, notes = in_process(SAMPLE_TWICE, driver)
    assert first == {f"gpu0 {name}": value for name, value in READINGS.items() if name != absent}
    assert notes == []


def test_a_gpu_that_is_lost_in_mid_run_is_told_once_and_the_other_goes_on(
    driver: Path, in_process: Run
) -> None:
    fake_nvml.configure(driver, two_gpus())
    whole, without, back, notes, more, lost = in_process(
        """
        gpus = visible_gpus(nvml, {})
        sampler = Sampler(gpus, nvml)
        seen = lambda: sorted({d for d, _, _ in sampler.sample([])})
        whole = seen()
        both = [FakeGpu(lost=True), FakeGpu(uuid="GPU-2222")]
        configure(driver, both)
        without = seen()
        configure(driver, [FakeGpu(), FakeGpu(uuid="GPU-2222")])
        back = seen()
        notes = sampler.notes()
        show([whole, without, back, notes, sampler.notes(), [is_lost(nvml, gpu) for gpu in gpus]])
        """,
        driver,
    )
    assert whole == ["cpu", "gpu0", "gpu1"]
    assert without == back == ["cpu", "gpu1"]
    assert notes == ["gpu0 (NVIDIA H100 80GB HBM3) was lost: GPU is lost"]
    assert more == []
    assert lost == [True, False]


def test_a_gpu_that_is_lost_at_the_start_leaves_the_others_their_indices(
    driver: Path, in_process: Run
) -> None:
    fake_nvml.configure(driver, [FakeGpu(lost=True), FakeGpu(uuid="GPU-2222")])
    assert in_process("show([g.label for g in visible_gpus(nvml, {})])", driver) == ["gpu1"]


def test_a_gpu_that_fails_in_every_sensor_is_told_once(driver: Path, in_process: Run) -> None:
    names = ("memory_total", "util", "power_mw", "power_limit_mw", "temperature", "sm_clock_mhz")
    broken = FakeGpu(errors=dict.fromkeys(names, fake_nvml.UNKNOWN))
    fake_nvml.configure(driver, [broken])
    first, again, notes = in_process(SAMPLE_TWICE, driver)
    assert first == again == {}
    assert notes == ["gpu0 (NVIDIA H100 80GB HBM3) gives no readings: Unknown Error"]


def test_an_error_whose_text_cannot_be_decoded_is_only_a_missing_reading(
    driver: Path, in_process: Run
) -> None:
    fake_nvml.configure(driver, [FakeGpu(errors={"util": 28})])
    first, _, _ = in_process(SAMPLE_TWICE, driver)
    assert "gpu0 util_percent" not in first
    assert first["gpu0 power_watts"] == 412.5


def test_a_driver_that_hangs_does_not_hold_up_the_sample(driver: Path, in_process: Run) -> None:
    fake_nvml.configure(driver, two_gpus())
    took, hung, told, recovered = in_process(
        """
        import time
        sampler = Sampler(visible_gpus(nvml, {}), nvml)
        sampler.sample([])
        configure(driver, [FakeGpu(hang_ms=300), FakeGpu(uuid="GPU-2222")])
        started = time.monotonic()
        hung = [{d for d, _, _ in sampler.sample([])} == {"cpu"} for _ in range(20)]
        took = time.monotonic() - started
        told = sampler.notes() + sampler.notes()
        configure(driver, [FakeGpu(), FakeGpu(uuid="GPU-2222")])
        deadline = time.monotonic() + 30
        while not (found := {d for d, _, _ in sampler.sample([])} - {"cpu"}) and time.monotonic() < deadline:
            time.sleep(0.05)
        show([took, hung, told, sorted(found)])
        """,
        driver,
    )
    assert all(hung)
    assert took < 2.5  # one wait of a quarter of a second, not twenty
    assert told == ["the NVIDIA driver does not answer; no readings of gpu0, gpu1 until it does"]
    assert recovered == ["gpu0", "gpu1"]


def test_a_process_ends_although_its_driver_hangs(driver: Path, in_process: Run) -> None:
    assert in_process(
        """
        sampler = Sampler(visible_gpus(nvml, {}), nvml)
        configure(driver, [FakeGpu(hang_ms=3_600_000)])
        show(sorted({d for d, _, _ in sampler.sample([])}))
        """,
        driver,
    ) == ["cpu"]


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        (b"NVIDIA \xff\xfe GPU", "NVIDIA \ufffd\ufffd GPU"),
        (b"NVIDIA \x1b[2J\x1b]0;owned\x07GPU", "NVIDIA GPU"),
    ],
)
def test_a_name_of_any_bytes_is_made_harmless(driver: Path, in_process: Run, name: bytes, shown: str) -> None:
    fake_nvml.configure(driver, [FakeGpu(name=name)])
    assert in_process("show(visible_gpus(nvml, {})[0].name)", driver) == shown


def test_versions_of_driver_and_cuda(driver: Path, in_process: Run) -> None:
    fake_nvml.configure(driver, driver="550.54.15", cuda=12040)
    versions = in_process("show([nvml.driver_version(), nvml.cuda_driver_version()])", driver)
    assert versions == ["550.54.15", "12.4"]


def test_an_old_driver_lacks_entry_points_but_no_reading(tmp_path: Path, in_process: Run) -> None:
    driver = fake_nvml.build(tmp_path, old_driver=True)
    fake_nvml.configure(driver, [FakeGpu(memory_used=30 * GIB, memory_reserved=0)])
    first, _, _ = in_process(SAMPLE_TWICE, driver)
    assert first == {f"gpu0 {name}": value for name, value in READINGS.items()}


NO_DRIVER = """
    sampler = Sampler(visible_gpus(nvml, {}), nvml)
    devices = sorted({d for d, _, _ in sampler.sample([])})
    show([type(nvml).__name__, getattr(nvml, "reason", ""), devices, sampler.notes(), visible_gpus(nvml, {})])
"""


def test_without_a_driver_the_reason_is_told_and_the_cpu_is_sampled(tmp_path: Path, in_process: Run) -> None:
    if shutil.which("nvidia-smi"):
        pytest.skip("this machine has an NVIDIA driver, which would be found")
    reason = "its library libnvidia-ml.so.1 was not found"
    expected = ["NvmlUnavailable", reason, ["cpu"], [f"no NVIDIA driver: {reason}"], []]
    assert in_process(NO_DRIVER, tmp_path) == expected


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (fake_nvml.DRIVER_NOT_LOADED, "it is installed but not loaded"),
        (fake_nvml.VERSION_MISMATCH, "its library and its kernel module are of different versions"),
        (fake_nvml.UNKNOWN, "NVML said: Unknown Error"),
        (28, "NVML said: NVML error 28"),
    ],
)
def test_a_driver_that_does_not_start_says_why(driver: Path, in_process: Run, code: int, reason: str) -> None:
    fake_nvml.configure(driver, [FakeGpu()], init=code)
    kind, why, devices, notes, gpus = in_process(NO_DRIVER, driver)
    assert (kind, devices, gpus) == ("NvmlUnavailable", ["cpu"], [])
    assert why.startswith(reason)
    assert notes == [f"no NVIDIA driver: {why}"]


def test_a_library_that_is_none_is_no_driver(driver: Path, in_process: Run) -> None:
    (driver / "libnvidia-ml.so.1").write_bytes(b"not a library")
    assert in_process(NO_DRIVER, driver)[0] == "NvmlUnavailable"
