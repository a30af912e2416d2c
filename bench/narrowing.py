"""How often the true optimum lies in the space that a narrow phase hands on: `python bench/narrowing.py`.

A search of 30 trials by `bayes` on every objective, for several seeds, then the model's region, as a narrow
phase hands it on; beside it a rule that asks no model (the best quarter of the trials, with a margin). The
optimum counts as inside only if every one of its values lies in its range or among the kept options. How much
smaller the space became is the ratio of volumes: widths of ranges in their own scale, options equally
frequent. Results are appended to a file with their trials, and what is there is not run again, nor what
`bench/search.py` has run.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import statistics
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import search
from comparing import RESOLUTION
from objectives import all_objectives
from objectives.base import TABLES, Objective, combinations
from peers.of_staycourse import BAYES

from staycourse.core.elimination import eliminate
from staycourse.core.narrowing import narrowed
from staycourse.core.outcome import Outcome
from staycourse.core.phases.narrow import Narrow
from staycourse.core.seeds import derive
from staycourse.core.space import Choice, Interval, Setup, Space, same, to_json
from staycourse.core.trial import Trial, rank

CONFIDENCE = Narrow.model_fields["confidence"].default
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
_RULES = ("model", "best quarter")


def main() -> None:
    args = _arguments()
    os.environ.update(dict.fromkeys(_THREADS, "1"))
    done = _read(args.results)
    names = [o.name for o in all_objectives() if not args.objectives or o.name in args.objectives]
    jobs = [(name, seed, args.trials) for seed in range(args.seeds) for name in names]
    if not args.report_only:
        for objective in all_objectives():
            _ = objective.best if objective.name in names else None
        known = _searches(TABLES / "search.jsonl") | {job: done[job]["history"] for job in done}
        wanted = [(*job, known.get(job)) for job in jobs if args.again or job not in done]
        with get_context("spawn").Pool(args.jobs) as pool:
            for count, result in enumerate(pool.imap_unordered(run, wanted), start=1):
                done[_key(result)] = result
                sys.stderr.write(f"\r{count}/{len(wanted)} searches")
                with args.results.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(result) + "\n")
    sys.stdout.write(tables([done[job] for job in jobs if job in done]))


def run(job: tuple[str, int, int, list[Any] | None]) -> dict[str, Any]:
    """One search, unless its trials are given, and what both rules hand on after it."""
    name, seed, trials, history = job
    objective = next(o for o in all_objectives() if o.name == name)
    history = history or search.run((name, BAYES, seed, trials))["history"]
    began = time.process_time()
    by_model = _by_model(objective.space, history, seed)
    seconds = time.process_time() - began
    handed_on = dict(zip(_RULES, (by_model, by_best_quarter(objective.space, history)), strict=True))
    return {
        "objective": name,
        "family": objective.family,
        "seed": seed,
        "trials": trials,
        "history": history,
        "seconds": seconds,
        "rules": {rule: {"space": to_json(new)} | _judged(objective, new) for rule, new in handed_on.items()},
    }


def _judged(objective: Objective, space: Space) -> dict[str, Any]:
    """Whether the optimum is inside, whether something is that is as good within noise, and the share of the
    volume that is left."""
    best, least = objective.best
    inside = holds(space, best)
    # The least loss within is searched for only where the optimum is outside.
    is_as_good = inside or objective.least_within(space) <= least + max(RESOLUTION, objective.deviation)
    return {
        "inside": inside,
        "as_good": bool(is_as_good),
        "share": max(1e-9, share_left(objective.space, space)),
    }


def _by_model(space: Space, history: Sequence[Any], seed: int) -> Space:
    from staycourse.search.region import Question, estimate

    body = {"space": to_json(space), "goal": "min", "confidence": CONFIDENCE, "trials": list(history)}
    question = Question.from_json(body | {"seed": derive(seed, "estimate", 0, 1)})
    return narrowed(space, json.loads(json.dumps(estimate(question))))[0]


def by_best_quarter(space: Space, history: Sequence[Any]) -> Space:
    """The range that the best quarter of the trials spans, at least three, with a tenth of the old range
    added at both ends; options go by a rank-sum test."""
    trials = [_trial(number, past) for number, past in enumerate(history)]
    ranked = rank(trials, "min")
    best = ranked[: max(3, math.ceil(len(ranked) / 4))]
    changed = [_spanned(h, best) for h in space if isinstance(h, Interval)]
    return eliminate([h.name for h in space if isinstance(h, Choice)], trials, "min", space.with_(changed))[0]


def _spanned(h: Interval, best: Sequence[Trial]) -> Interval:
    low, high = _span(h.given({}), [t for t in best if h.bounds_under(t.setup) is None])
    by = []
    for bounds in h.by:
        under = [t for t in best if h.bounds_under(t.setup) is bounds]
        least, most = _span(h.given({bounds.on: bounds.option}), under)
        by.append(replace(bounds, low=least, high=most))
    return replace(h, low=low, high=high, by=tuple(by))


def _span(h: Interval, best: Sequence[Trial]) -> tuple[float, float]:
    units = [h.to_unit(float(t.setup[h.name])) for t in best if h.name in t.setup]
    if not units:
        return h.low, h.high
    low, high = h.from_unit(min(units) - 0.1), h.from_unit(max(units) + 0.1)
    return (float(low), float(high)) if low < high else (h.low, h.high)


def _trial(number: int, past: Any) -> Trial:
    outcome = Outcome.DIVERGED if past["value"] is None else Outcome.COMPLETED
    curve = () if past["value"] is None else ((1, past["value"]),)
    return Trial(f"t{number}", 0, "", past["setup"], outcome=outcome, curve=curve)


def holds(space: Space, setup: Setup) -> bool:
    """Whether every value of the set-up lies in the space."""
    for name, value in setup.items():
        h = space.get(name)
        if isinstance(h, Choice) and not any(same(value, option) for option in h.options):
            return False
        if isinstance(h, Interval):
            here = h.given(setup)
            if not here.low <= float(value) <= here.high:
                return False
    return True


def share_left(old: Space, new: Space) -> float:
    """The volume of `new` as a share of that of `old`."""
    combined = list(combinations(old))
    return sum(_share_under(old, new, options) for options in combined) / len(combined)


def _share_under(old: Space, new: Space, options: Setup) -> float:
    if not holds(new, options):
        return 0.0
    active = old.active(options | {h.name: h.low for h in old if isinstance(h, Interval)})
    share = 1.0
    for h in old:
        if isinstance(h, Interval) and h.name in active and h.high > h.low:
            before, after = h.given(options), new.get(h.name)
            assert isinstance(after, Interval)
            left = after.given(options)
            step = 1e-3 if not h.integer else before.to_unit(before.low + 1)
            share *= min(1.0, max(step, before.to_unit(left.high) - before.to_unit(left.low)))
    return share


def tables(results: Sequence[dict[str, Any]]) -> str:
    """A row an objective, and a line over all."""
    if not results:
        return "no results\n"
    header = "| objective | searches | " + " | ".join(
        f"{r}: inside | as good | times smaller" for r in _RULES
    )
    lines = [header + " | seconds |", "|---|--:|" + "--:|--:|--:|" * len(_RULES) + "--:|"]
    families: dict[str, list[dict[str, Any]]] = {}
    for name in dict.fromkeys(r["objective"] for r in results):
        own = [r for r in results if r["objective"] == name]
        families.setdefault(own[0]["family"], []).extend(own)
        lines.append(_row(name, own))
    lines += [_row(f"**{family}**", own) for family, own in families.items()]
    lines += [_row("**all**", results), "", *_summary(results)]
    return "\n".join(lines) + "\n"


def _row(name: str, results: Sequence[dict[str, Any]]) -> str:
    cells = [name, str(len(results))]
    for rule in _RULES:
        found = [result["rules"][rule] for result in results]
        cells += [
            f"{100 * statistics.fmean(f['inside'] for f in found):.0f} %",
            f"{100 * statistics.fmean(f['as_good'] for f in found):.0f} %",
            f"{statistics.median(1 / f['share'] for f in found):.1f}",
        ]
    cells.append(f"{statistics.fmean(r['seconds'] for r in results):.1f}")
    return "| " + " | ".join(cells) + " |"


def _summary(results: Sequence[dict[str, Any]]) -> Iterator[str]:
    for rule in _RULES:
        found = [result["rules"][rule] for result in results]
        inside = sum(f["inside"] for f in found)
        low, high = _interval(inside, len(found))
        as_good = statistics.fmean(f["as_good"] for f in found)
        shrunk = statistics.median(1 / f["share"] for f in found)
        yield (
            f"{rule}: the optimum is inside in {inside} of {len(found)} searches "
            f"({100 * inside / len(found):.1f} %, 95 % interval {100 * low:.1f} to {100 * high:.1f}; "
            f"goal 95 %), a set-up as good within noise in {100 * as_good:.1f} %, "
            f"the space {shrunk:.1f} times smaller in the median (goal 10)"
        )


def _interval(hits: int, count: int) -> tuple[float, float]:
    """Wilson's score interval for a share (Wilson: Probable inference, JASA 22, 1927)."""
    z, share = 1.96, hits / count
    middle = (share + z * z / (2 * count)) / (1 + z * z / count)
    half = z / (1 + z * z / count) * math.sqrt(share * (1 - share) / count + z * z / (4 * count * count))
    return middle - half, middle + half


def _read(file: Path) -> dict[Any, dict[str, Any]]:
    """What is there; of the same search the newest."""
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    return {_key(result): result for result in map(json.loads, lines)}


def _searches(file: Path) -> dict[Any, list[Any]]:
    """The trials of searches by `bayes` that `bench/search.py` has run."""
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    found = (result for result in map(json.loads, lines) if result["peer"] == BAYES and "history" in result)
    return {_key(result): result["history"] for result in found}


def _key(result: dict[str, Any]) -> tuple[str, int, int]:
    return result["objective"], result["seed"], result["trials"]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--trials", type=int, default=30)
    parser.add_argument("--objectives", nargs="*", default=[], help="names; all if none is given")
    parser.add_argument("--jobs", type=int, default=1, help="searches side by side, a thread each")
    parser.add_argument("--results", type=Path, default=TABLES / "narrowing.jsonl")
    parser.add_argument("--again", action="store_true", help="estimate anew, from the trials that are there")
    parser.add_argument("--report-only", action="store_true", help="tables of what is there")
    return parser.parse_args()


if __name__ == "__main__":
    main()
