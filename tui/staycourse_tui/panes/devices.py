"""Devices and data loading: as one line, and as panes with their history."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from staycourse.client import Snapshot
from staycourse_tui import formatting as fmt
from staycourse_tui.frames import Frame
from staycourse_tui.panes.header import SILENT_AFTER
from staycourse_tui.widgets.lines import Line, Span, fit, flow, join, line, whole
from staycourse_tui.widgets.plot import sparkline

Values = Mapping[str, float]
_READINGS = (
    ("memory_used_bytes", "memory_total_bytes", "s1"),
    ("power_watts", "power_limit_watts", "accent"),
    ("temperature_celsius", "", "warn"),
)
_STEP = (("wait", "wait_ms", "warn"), ("copy", "copy_ms", "m1"), ("compute", "compute_ms", "good"))
_BAR = "░▒█"


def device_lines(snapshot: Snapshot, size: int, most: int) -> list[Line]:
    """Devices, then loader, wait and step, on `most` lines at most, in the longest form that fits; what does
    not fit on one line is parted between the two."""
    gpus = _gpus(snapshot)
    loader = _loader_parts(snapshot)
    lines: list[Line] = []
    for form in range(3):
        devices = [_gpu_part(name, values, form) for name, values in gpus] or [_cpu_part(snapshot, form)]
        lines = flow([*devices, *loader], size)
        parted = [*flow(devices, size), *flow(loader, size)]
        if len(lines) > 1 and len(parted) <= most:
            return [fit(made, size) for made in parted]
        if len(lines) <= most:
            return [fit(made, size) for made in lines]
    return [fit(made, size) for made in flow([_loads(gpus) if gpus else devices[0], *loader], size, most)]


def device_pane(frame: Frame, size: int, rows: int) -> list[Line]:
    """Each GPU's load, memory, power and temperature with their last two minutes; where there is no room for
    that, two lines a GPU or one; without a GPU the CPU's."""
    gpus = _gpus(frame.snapshot)
    if not gpus:
        return [fit(made, size) for made in _cpu_lines(frame, size)][:rows]
    each = next((most for most in (4, 2) if rows >= most * len(gpus)), 1)
    lines = [made for name, values in gpus for made in _gpu_lines(frame, name, values, size, each)]
    if len(lines) > rows:
        lines = [*lines[: rows - 1], line(Span(f"{len(lines) - rows + 1} more", "dim"))]
    return [fit(made, size) for made in lines]


def age_of_readings(snapshot: Snapshot) -> Line:
    """`at 12:04:11`, where the newest readings are not those of now; else nothing."""
    time, quiet = snapshot.hardware.time, snapshot.engine_age or 0.0
    if time is None or (snapshot.is_engine_alive and quiet < SILENT_AFTER):
        return ()
    return line(Span(f"at {fmt.clock(time)}", "warn"))


def _gpu_lines(frame: Frame, name: str, values: Values, size: int, rows: int) -> list[Line]:
    head = f"{name} {_percent(values.get('util_percent')):>4} "
    first = line(Span(head), Span(_spark(frame, name, "util_percent", size - len(head) - 1), "good"))
    if rows < 4:
        return [first, whole([(Span("  "),), *_gpu_rest(values)], size, " ")][:rows]
    return [
        first,
        *(made for reading in _READINGS if (made := _reading(frame, name, values, size, *reading))),
    ]


def _reading(frame: Frame, name: str, values: Values, size: int, key: str, top: str, role: str) -> Line:
    """A reading with its history, from 0 to what the device says is its most."""
    if key not in values:
        return ()
    most = values.get(top) or max((*frame.history.get(name, {}).get(key, ()), values[key], 100.0))
    shown = {
        "memory_used_bytes": f"{fmt.gigabytes(values[key])}/{fmt.gigabytes(most)}G",
        "power_watts": f"{values[key]:.0f}/{most:.0f}W",
    }.get(key, f"{values[key]:.0f}°C")
    head = f"  {shown:<9} "
    spark = sparkline(frame.history.get(name, {}).get(key, ()), 0.0, most, max(0, size - len(head) - 1))
    return line(Span(head), Span(spark, role))


def loader_pane(snapshot: Snapshot, size: int) -> list[Line]:
    """Throughput, wait share and step time of what runs, and what a step is made of."""
    parts = _loader_parts(snapshot)
    if not parts:
        return [fit(line(Span(loader_sentence(snapshot), "dim")), size)]
    return [fit(made, size) for made in [*flow(parts, size), *step_lines(_timings(snapshot), size)]]


def step_lines(timings: Sequence[Values], size: int) -> list[Line]:
    """The mean step split into waiting for data, copying it and computing: a bar and its legend."""
    means = [(word, role, _mean(timings, name)) for word, name, role in _STEP]
    known = [(word, role, value) for word, role, value in means if value is not None]
    total = sum(value for _, _, value in known)
    if len(known) < len(_STEP) or total <= 0:
        return []
    ends = [round(size * sum(value for _, _, value in known[: at + 1]) / total) for at in range(len(known))]
    starts = [0, *ends[:-1]]
    bar = [
        Span(glyph * (end - start), role)
        for glyph, (_, role, _), start, end in zip(_BAR, known, starts, ends, strict=True)
    ]
    legend = [
        (Span(glyph, role), Span(f" {word} ", "dim"), Span(fmt.milliseconds(value)))
        for glyph, (word, role, value) in zip(_BAR, known, strict=True)
    ]
    return [line(*bar), *flow(legend, size)]


def loader_sentence(snapshot: Snapshot) -> str:
    """Why there are no figures of data loading."""
    if not (snapshot.live and snapshot.is_engine_alive):
        return "no trial is running"
    is_script = snapshot.roadmap.task.command is not None
    return "the script loads its data itself" if is_script else "waiting for the first figures"


def driver_sentence(snapshot: Snapshot) -> str:
    """Why no GPU is shown."""
    if any(note.startswith("no NVIDIA driver") for note in snapshot.notes):
        return "no NVIDIA driver: CPU load"
    return "no GPU in use: CPU load"


def _gpus(snapshot: Snapshot) -> list[tuple[str, Values]]:
    devices = snapshot.hardware.devices
    return sorted((name, values) for name, values in devices.items() if name.startswith("gpu"))


def _percent(value: float | None) -> str:
    return "—" if value is None else f"{value:.0f}%"


def _gpu_part(name: str, values: Values, form: int) -> Line:
    load = Span(_percent(values.get("util_percent")), "strong")
    if form == 2:
        return (Span(f"{name} ", "dim"), load)
    rest = _gpu_rest(values) if form == 0 else _gpu_rest(values)[:1]
    return join([(Span(f"{name} ", "dim"), load), *rest], " ")


def _gpu_rest(values: Values) -> list[Line]:
    """Memory, temperature, power; what the device does not say is left out."""
    parts: list[Line] = []
    if "memory_used_bytes" in values and "memory_total_bytes" in values:
        used, total = fmt.gigabytes(values["memory_used_bytes"]), fmt.gigabytes(values["memory_total_bytes"])
        parts.append((Span(f"{used}/{total}G"),))
    if "temperature_celsius" in values:
        parts.append((Span(f"{values['temperature_celsius']:.0f}°C"),))
    if "power_watts" in values:
        parts.append((Span(f"{values['power_watts']:.0f}W"),))
    return parts


def _loads(gpus: Sequence[tuple[str, Values]]) -> Line:
    """The loads of many GPUs as a row of numbers in the order of their names."""
    loads = " ".join(_percent(values.get("util_percent")).rstrip("%") for _, values in gpus)
    return (Span(f"{gpus[0][0]}–{gpus[-1][0].removeprefix('gpu')} ", "dim"), Span(loads + "%", "strong"))


def _cpu_part(snapshot: Snapshot, form: int) -> Line:
    cpu = snapshot.hardware.devices.get("cpu")
    if cpu is None:
        return (Span("no readings of the machine yet", "dim"),)
    said = driver_sentence(snapshot).removesuffix("" if form < 2 else " load")
    load = Span(f" {_percent(cpu.get('util_percent'))}", "strong")
    return join([(Span(said, "dim"), load), _memory(cpu) if form == 0 else ()], "  ")


def _memory(cpu: Values) -> Line:
    if "memory_used_bytes" not in cpu or "memory_total_bytes" not in cpu:
        return ()
    used, total = fmt.gigabytes(cpu["memory_used_bytes"]), fmt.gigabytes(cpu["memory_total_bytes"])
    return (Span("mem ", "dim"), Span(f"{used}/{total}G"))


def _cpu_lines(frame: Frame, size: int) -> list[Line]:
    cpu = frame.snapshot.hardware.devices.get("cpu")
    if cpu is None:
        return [line(Span("no readings of the machine yet", "dim"))]
    head = f"cpu {_percent(cpu.get('util_percent')):>4} "
    lines = [
        line(Span(driver_sentence(frame.snapshot), "dim")),
        line(Span(head), Span(_spark(frame, "cpu", "util_percent", size - len(head) - 1), "good")),
    ]
    if memory := _memory(cpu):
        lines.append(memory)
    if "run_cpu_percent" in cpu:
        run: list[Line] = [(Span("this run ", "dim"), Span(f"{cpu['run_cpu_percent']:.0f}% of a core"))]
        lines.append(whole(run, size))
    return lines


def _spark(frame: Frame, device: str, name: str, width_: int) -> str:
    return sparkline(frame.history.get(device, {}).get(name, ()), 0.0, 100.0, max(0, width_))


def _timings(snapshot: Snapshot) -> list[Values]:
    """The newest figures of the trials that run; those of an engine that is gone are nobody's."""
    if not snapshot.is_engine_alive:
        return []
    return [live.timing for live in snapshot.live if "samples_per_s" in live.timing]


def _loader_parts(snapshot: Snapshot) -> list[Line]:
    """Loader, wait and step of all trials that run: rates added up, shares and times averaged."""
    timings = _timings(snapshot)
    if not timings:
        return []
    rate = sum(timing["samples_per_s"] for timing in timings)
    many = f" ({len(timings)} trials)" if len(timings) > 1 else ""
    parts: list[Line] = [
        (Span("loader ", "dim"), Span(f"{fmt.compact(rate)}/s", "strong"), Span(many, "dim"))
    ]
    if (wait := _mean(timings, "wait_share")) is not None:
        role = "warn" if wait > 0.3 else ""
        parts.append((Span("wait ", "dim"), Span(fmt.share(wait), role)))
    if (step := _mean(timings, "step_ms")) is not None:
        parts.append((Span("step ", "dim"), Span(fmt.milliseconds(step))))
    return parts


def _mean(timings: Sequence[Values], name: str) -> float | None:
    values = [timing[name] for timing in timings if name in timing]
    return sum(values) / len(values) if values else None
