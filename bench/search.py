"""How good a set-up a search finds, beside its peers: `python bench/search.py`.

Every peer proposes 30 set-ups on every objective, one after the other, for 20 seeds; all meet the same noise.
The regret is that of the set-up with the best result so far: its loss without noise, less the least there is.
Results are appended to a file, and what is there is not run again; the tables are made from it.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import time
from collections.abc import Iterator
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from comparing import tables
from objectives import all_objectives
from objectives.base import TABLES, Objective
from peers import all_peers

MARKS = (10, 20, 30)
# Libraries decide on their threads while they are imported, in the processes that search.
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def main() -> None:
    args = _arguments()
    done = _read(args.results, set(args.again))
    names = [o.name for o in all_objectives() if not args.objectives or o.name in args.objectives]
    peers = [p for p in all_peers() if not args.peers or p in args.peers]
    wanted = [
        (objective, peer, seed, args.trials)
        for seed in range(args.seeds)
        for objective in names
        for peer in peers
        if (objective, peer, seed, args.trials) not in done
    ]
    if not args.report_only:
        _prepare(names)
        for result in _results(wanted, args.jobs):
            done[_key(result)] = result
            with args.results.open("a", encoding="utf-8") as file:
                file.write(json.dumps(result) + "\n")
    kept = [r for r in done.values() if r["objective"] in names and r["peer"] in peers]
    sys.stdout.write(tables(kept, [m for m in MARKS if m <= args.trials] or [args.trials]))


def run(job: tuple[str, str, int, int]) -> dict[str, Any]:
    """One search: the regret after each trial, and the CPU seconds that each proposal took."""
    name, peer, seed, trials = job
    objective = next(o for o in all_objectives() if o.name == name)
    _one_thread()
    search = all_peers()[peer](objective.space, trials, seed)
    regrets, seconds, history = [], [], []
    best, regret = float("inf"), None
    for trial in range(1, trials + 1):
        began = time.process_time()
        setup = search.propose()
        seconds.append(time.process_time() - began)
        loss = objective.observe(setup, seed, trial)
        search.tell(setup, loss)
        history.append(
            {"setup": dict(setup), "value": loss, "state": "infeasible" if loss is None else "done"}
        )
        if loss is not None and loss < best:
            best, regret = loss, _regret(objective, setup)
        regrets.append(regret)
    return {"objective": name, "family": objective.family, "peer": peer, "seed": seed, "trials": trials} | {
        "regrets": regrets,
        "mean_seconds": statistics.fmean(seconds),
        "last_seconds": seconds[-1],
        "history": history,
    }


def _regret(objective: Objective, setup: Any) -> float:
    loss = objective.true(setup)
    assert loss is not None, "it gave a result"
    return max(0.0, loss - objective.best[1])


def _results(wanted: list[Any], jobs: int) -> Iterator[dict[str, Any]]:
    os.environ.update(dict.fromkeys(_THREADS, "1"))
    with get_context("spawn").Pool(jobs) as pool:
        for count, result in enumerate(pool.imap_unordered(run, wanted), start=1):
            if sys.stderr.isatty() or count % 50 == 0:
                sys.stderr.write(f"\r{count}/{len(wanted)} searches")
            yield result


def _prepare(names: list[str]) -> None:
    """Tables and best set-ups, before processes would make them side by side."""
    for objective in all_objectives():
        if objective.name in names:
            _ = objective.best


def _one_thread() -> None:
    import torch

    torch.set_num_threads(1)


def _read(file: Path, again: set[str]) -> dict[Any, dict[str, Any]]:
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    kept = [line for line in lines if json.loads(line)["peer"] not in again]
    if again and lines != kept:
        file.write_text("".join(line + "\n" for line in kept), encoding="utf-8")
    return {_key(result): result for result in map(json.loads, kept)}


def _key(result: dict[str, Any]) -> tuple[str, str, int, int]:
    return result["objective"], result["peer"], result["seed"], result["trials"]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--trials", type=int, default=30)
    parser.add_argument("--objectives", nargs="*", default=[], help="names; all if none is given")
    parser.add_argument(
        "--peers", nargs="*", default=[], help="names; all that are installed if none is given"
    )
    parser.add_argument("--jobs", type=int, default=1, help="searches side by side, a thread each")
    parser.add_argument("--results", type=Path, default=TABLES / "search.jsonl")
    parser.add_argument("--again", nargs="*", default=[], help="peers whose results are made anew")
    parser.add_argument("--report-only", action="store_true", help="tables of what is there")
    return parser.parse_args()


if __name__ == "__main__":
    main()
