"""Tables of searches side by side, from their regrets."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from typing import Any

from peers.of_staycourse import BAYES
from scipy.stats import t as student

# Regrets below this are none: the third digit of a loss means nothing in a training.
RESOLUTION = 1e-3
_EVEN = "quasi-random"

Result = dict[str, Any]


def tables(results: Sequence[Result], marks: Sequence[int]) -> str:
    """One table an objective, then who is first, and what a proposal takes."""
    peers = list(dict.fromkeys(r["peer"] for r in results))
    objectives = list(dict.fromkeys(r["objective"] for r in results))
    parts = [_table([r for r in results if r["objective"] == name], peers, marks) for name in objectives]
    return "\n".join([*parts, _first(results, objectives, peers, marks[-1]), _seconds(results, peers)])


def _table(results: Sequence[Result], peers: Sequence[str], marks: Sequence[int]) -> str:
    first = results[0]
    lines = [f"{first['objective']} ({first['family']}): mean regret, with its 95 % interval", ""]
    lines.append(f"{'':<22}" + "".join(f"{f'{mark} trials':>22}" for mark in marks) + f"{'seeds':>7}")
    for peer in peers:
        own = [r for r in results if r["peer"] == peer]
        if own:
            cells = "".join(f"{_interval(regrets(own, mark)):>22}" for mark in marks)
            lines.append(f"{peer:<22}{cells}{len(own):>7}")
    return "\n".join([*lines, ""])


def regrets(results: Sequence[Result], mark: int) -> dict[int, float]:
    """The regret after `mark` trials, by seed; a search that found nothing so far has its worst later one."""
    found = {}
    for r in results:
        value = r["regrets"][mark - 1]
        later = [x for x in r["regrets"] if x is not None]
        found[r["seed"]] = value if value is not None else max(later, default=math.nan)
    return found


def _interval(values: dict[int, float]) -> str:
    numbers = list(values.values())
    return f"{statistics.fmean(numbers):.4f} +-{_half_width(numbers):.4f}"


def _half_width(numbers: Sequence[float]) -> float:
    if len(numbers) < 2:
        return math.nan
    quantile = float(student.ppf(0.975, len(numbers) - 1))
    return quantile * statistics.stdev(numbers) / math.sqrt(len(numbers))


def tied(first: dict[int, float], second: dict[int, float]) -> bool:
    """Whether the mean of `first` is not larger than that of `second` beyond noise (95 %, paired over seeds)
    or beyond what matters."""
    seeds = sorted(first.keys() & second.keys())
    apart = [first[seed] - second[seed] for seed in seeds]
    mean, half = statistics.fmean(apart), _half_width(apart)
    return mean <= RESOLUTION or (not math.isnan(half) and mean - half <= 0.0)


def _first(results: Sequence[Result], objectives: Sequence[str], peers: Sequence[str], mark: int) -> str:
    lines = [f"First, or tied with the first, after {mark} trials", ""]
    count, worse = dict.fromkeys(peers, 0), []
    for name in objectives:
        found = {
            p: regrets([r for r in results if r["objective"] == name and r["peer"] == p], mark) for p in peers
        }
        found = {peer: values for peer, values in found.items() if values}
        best = min(found, key=lambda peer: statistics.fmean(found[peer].values()))
        firsts = [peer for peer in found if tied(found[peer], found[best])]
        for peer in firsts:
            count[peer] += 1
        if BAYES in found and _EVEN in found and not tied(found[BAYES], found[_EVEN]):
            worse.append(name)
        others = ", ".join(peer for peer in firsts if peer != best)
        lines.append(f"{name:<28}{best}" + (f" (tied: {others})" if others else ""))
    lines += ["", *(f"{peer:<22}{count[peer]:>3} of {len(objectives)}" for peer in peers)]
    lines.append(f"{BAYES} worse than {_EVEN}: {', '.join(worse) or 'nowhere'}")
    return "\n".join([*lines, ""])


def _seconds(results: Sequence[Result], peers: Sequence[str]) -> str:
    lines = ["CPU seconds a proposal, median over searches", ""]
    lines.append(f"{'':<22}{'mean':>10}{'the last':>10}")
    for peer in peers:
        own = [r for r in results if r["peer"] == peer]
        mean = statistics.median(r["mean_seconds"] for r in own)
        last = statistics.median(r["last_seconds"] for r in own)
        lines.append(f"{peer:<22}{mean:>10.3f}{last:>10.3f}")
    return "\n".join([*lines, ""])
