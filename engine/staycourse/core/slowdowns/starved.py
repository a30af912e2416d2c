"""Whether a step waits for data, and how many loader workers would end that."""

from __future__ import annotations

import math

from staycourse.core.slowdowns.signs import Signs, Slowdown, Step, percent, rounded

KIND = "starved"
ADVICE = (
    "set `workers` under `[data]` to the number named; where the CPUs do not allow it, make samples cheaper: "
    "decode or resize them once and store that"
)

# A tenth of the time is worth a word; less comes and goes with what else the machine does.
_SHARE = 0.10
# Taking a batch from a loader worker costs some tenths of a millisecond by itself: where a step does not wait
# clearly longer than that, no number of workers makes it shorter.
_LEAST_WAIT_MS = 1.0
# Of less, one slow read would make a verdict.
_LEAST_STEPS, _LEAST_S = 20, 3.0
# Above that a number is no advice any more.
_MOST_WORKERS = 32
# CPUs less busy than that are not what the loader lacks: its workers wait for a disk or a network.
_BUSY = 0.5


def look(signs: Signs) -> Slowdown | None:
    """By the mean step of late: its waiting must be more than a tenth of it, and worth a loader worker."""
    step = signs.step
    if step is None or step.steps < _LEAST_STEPS or step.seconds < _LEAST_S:
        return None
    if step.wait_share <= _SHARE or step.wait_ms < _LEAST_WAIT_MS:
        return None
    wanted = None if signs.workers is None else _wanted(signs.workers, step)
    figures = {
        "wait_ms": rounded(step.wait_ms),
        "copy_ms": rounded(step.copy_ms),
        "compute_ms": rounded(step.compute_ms),
        "workers": signs.workers,
        "workers_wanted": wanted,
        "cpus": signs.cpus,
    }
    text = f"starved: {percent(step.wait_share)} of a step waits for data; {_help(signs, wanted)}"
    return Slowdown(KIND, text, rounded(step.wait_share), figures)


def _wanted(workers: int, step: Step) -> int:
    """How many loader workers bring a batch as often as a step takes without waiting.

    With none the training itself fetches, and a batch takes what is waited for it; `workers` of them bring
    one a step, so that one of them takes as many steps for a batch.
    """
    whole = step.wait_ms + step.busy_ms
    fetching = step.wait_ms if workers == 0 else workers * whole
    return _MOST_WORKERS + 1 if step.busy_ms <= 0 else max(1, math.ceil(fetching / step.busy_ms))


def _help(signs: Signs, wanted: int | None) -> str:
    if signs.workers is None or wanted is None:
        return "more loader workers, or cheaper samples, would help"
    now = "no workers" if signs.workers == 0 else f"{signs.workers} worker{'s' if signs.workers > 1 else ''}"
    if wanted > _MOST_WORKERS:
        return f"{now}, and more than {_MOST_WORKERS} would be needed: make samples cheaper"
    said = f"{now}, {wanted} would do"
    if signs.cpus is None or wanted < signs.cpus or _have_time(signs):
        return said
    here = f"there {'are' if signs.cpus > 1 else 'is'} only {signs.cpus} CPU{'s' if signs.cpus > 1 else ''}"
    return f"{said}, but {here}, training included: make samples cheaper"


def _have_time(signs: Signs) -> bool:
    return signs.cpu_load is not None and signs.cpu_load < _BUSY
