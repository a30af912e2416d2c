"""How the run was driven: hardware, throughput, exactness, and what the engine noted."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence

from staycourse.core import events as ev
from staycourse.core.state import TrialState
from staycourse.report.environment_changes import environment_changes_words
from staycourse.report.facts import Facts
from staycourse.report.interruptions import interruptions_section
from staycourse.report.load import Load
from staycourse.report.markdown import NOTHING, bullets, count, duration, escape, number, size, table
from staycourse.report.slowdowns import slowdowns_section
from staycourse.report.training import training_words

_MOST_NOTES = 30


def operation_section(facts: Facts) -> str:
    """Hardware and throughput figures, slow-downs, interruptions, exactness, notes."""
    parts = [
        "## How it ran",
        "### Hardware",
        _hardware(facts.load),
        "### Training",
        training_words(facts),
        "### Throughput",
        _throughput(facts),
        "### Slow-downs",
        slowdowns_section(facts),
        "### Interruptions",
        interruptions_section(facts),
        "### Exactness",
        *filter(None, [environment_changes_words(facts)]),
        _exactness(facts),
    ]
    notes = list(dict.fromkeys(t.event.text for t in facts.timeline if isinstance(t.event, ev.Noted)))
    if notes:
        more = [f"and {len(notes) - _MOST_NOTES} more, in the ledger"] if len(notes) > _MOST_NOTES else []
        parts += ["### Notes of the engine", bullets([*map(escape, notes[:_MOST_NOTES]), *more])]
    return "\n\n".join(parts)


def _hardware(loads: Sequence[Load]) -> str:
    if not loads:
        return "Nothing was measured yet."
    columns: list[tuple[str, Callable[[Load], str]]] = [
        ("device", lambda load: escape(load.device)),
        ("measured", lambda load: duration(load.seconds)),
        ("utilisation, mean / max", lambda load: _pair(load, "util_percent", _percent)),
        ("memory, mean / max", lambda load: _pair(load, "memory_used_bytes", size)),
        ("of", lambda load: _highest(load, "memory_total_bytes", size)),
        ("this run's CPU, mean / max", lambda load: _pair(load, "run_cpu_percent", _percent)),
        ("this run's memory, max", lambda load: _highest(load, "run_rss_bytes", size)),
        ("power, mean / max", lambda load: _pair(load, "power_watts", _watts)),
        (
            "energy",
            lambda load: f"{number(load.energy_kwh, 3)} kWh" if load.energy_kwh is not None else NOTHING,
        ),
        ("temperature, max", lambda load: _highest(load, "temperature_celsius", "{:.0f} °C".format)),
    ]
    cells = [[cell(load) for _, cell in columns] for load in loads]
    kept = [at for at in range(len(columns)) if any(row[at] != NOTHING for row in cells)]
    header = [columns[at][0] for at in kept]
    note = (
        "Means are over time. `cpu` is the share of the machine that this run may use; 100% of the run's CPU "
        "is one core."
    )
    return table(header, [[row[at] for at in kept] for row in cells], range(1, len(header))) + f"\n\n{note}"


def _throughput(facts: Facts) -> str:
    rows = []
    for phase, declared in enumerate(facts.roadmap.phases):
        trials = [trial for trial in facts.state.trials_of(phase) if trial.id in facts.paces]
        cells = [
            _mean(facts, trials, "samples_per_s", lambda value: f"{value:,.0f}"),
            _mean(facts, trials, "step_ms", lambda value: number(value, 3)),
            _mean(facts, trials, "wait_share", lambda value: _percent(100 * value)),
            _mean(facts, trials, "epoch_s", lambda value: number(value, 3)),
            _mean(facts, trials, "validation_s", lambda value: number(value, 3)),
            _mean(facts, trials, "checkpoint_s", lambda value: number(value, 2)),
            _most(facts, trials, "checkpoint_bytes"),
            _most(facts, trials, "rss_bytes"),
            _most(facts, trials, "device_memory_bytes"),
        ]
        if trials:
            rows.append([f"{phase + 1} {declared.kind}", str(len(trials)), *cells])
    if not rows:
        return "No trial has trained long enough to be timed (a reading is taken about once a second)."
    header = [
        "phase", "trials timed", "samples/s", "step (ms)", "waiting for data", "epoch (s)", "validation (s)",
        "checkpoint (s)", "its size",
        "trial's memory, max", "trial's GPU memory, max",
    ]  # fmt: skip
    kept = [at for at in range(len(header)) if any(row[at] != NOTHING for row in rows)]
    note = "Medians over the trials of each phase; waiting for data is its share of a trial's time."
    shown = [[row[at] for at in kept] for row in rows]
    return table([header[at] for at in kept], shown, range(1, len(kept))) + f"\n\n{note}"


def _mean(facts: Facts, trials: Sequence[TrialState], name: str, words: Callable[[float], str]) -> str:
    values = _values(facts, trials, name, highest=False)
    return words(statistics.median(values)) if values else NOTHING


def _most(facts: Facts, trials: Sequence[TrialState], name: str) -> str:
    values = _values(facts, trials, name, highest=True)
    return size(max(values)) if values else NOTHING


def _values(facts: Facts, trials: Sequence[TrialState], name: str, *, highest: bool) -> list[float]:
    paces = [facts.paces[trial.id] for trial in trials]
    tables = [pace.highest if highest else pace.means for pace in paces]
    return [values[name] for values in tables if name in values]


def _exactness(facts: Facts) -> str:
    ends = [trial.end for trial in facts.trials if trial.end and trial.end.replayed]
    replayed, differing = sum(end.replayed for end in ends), sum(end.differing for end in ends)
    if not replayed:
        return "No value had to be computed twice."
    if not differing:
        return (
            f"{count(replayed, 'value')} of {count(len(ends), 'trial')} were computed again after an "
            "interruption; every one equalled the value that stood, to the last bit."
        )
    rows = [(end.trial, str(end.replayed), str(end.differing)) for end in ends if end.differing]
    words = (
        f"**{differing} of {count(replayed, 'value')} differed** when computed again after an interruption:"
    )
    return f"{words}\n\n{table(['trial', 'computed again', 'differed'], rows, right=[1, 2])}"


def _pair(load: Load, name: str, words: Callable[[float], str]) -> str:
    reading = load.readings.get(name)
    return f"{words(reading.mean)} / {words(reading.highest)}" if reading else NOTHING


def _highest(load: Load, name: str, words: Callable[[float], str]) -> str:
    reading = load.readings.get(name)
    return words(reading.highest) if reading else NOTHING


def _percent(value: float) -> str:
    return f"{value:.0f}%" if value >= 10 else f"{value:.1f}%"


def _watts(value: float) -> str:
    return f"{value:.0f} W"
