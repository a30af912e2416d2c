"""Kill a campaign again and again, and compare what it leaves with one that was left in peace.

`python bench/chaos.py --kills 200`: a campaign of all phases, with a random augmentation fetched by two
loader workers, dropout, and checkpoints of some MB every second, runs once undisturbed. Then the same
campaign runs under kills of its supervisor, worker, loader workers and fork server, at any instant and
aimed: some batches into an epoch, while a checkpoint is being written, while the ledger is being committed.
After each death of its supervisor it is resumed. A campaign that ends before all kills are made is followed
by a fresh one. Every metric row, set-up, outcome, ranking, handoff and weight has to be the undisturbed
run's; exit code 1 if not.
"""

from __future__ import annotations

import argparse
import random
import signal
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "engine"), str(ROOT)]

from tests.support.chaos import INSTANTS, TARGETS, Broken, Chaos, Kill, Tally, undisturbed  # noqa: E402
from tests.support.chaos_campaign import (  # noqa: E402
    Results,
    differing_rows,
    faults,
    first_difference,
    replayed_rows,
    results,
)
from tests.support.tiny import Place  # noqa: E402

SIGNALS = (signal.SIGKILL, signal.SIGTERM)


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def campaign(chaos: Chaos, folder: Path, wanted: Results) -> str | None:
    """One campaign under kills; the first thing that is wrong with it, in words."""
    place = Place(folder)
    kills, resumes, began = chaos.tally.count, chaos.tally.resumes, time.monotonic()
    try:
        run = chaos.run(place)
        found = results(place, run)
        wrong = [difference] if (difference := first_difference(wanted, found)) else faults(place, run)
        differing, replayed = differing_rows(wanted, found), replayed_rows(place, run)
    except AssertionError as error:
        wrong, differing, replayed = [f"{error}"], 0, 0
    finally:
        place.close()
    say(
        f"{folder.name:<12} {chaos.tally.count - kills:>6} {chaos.tally.resumes - resumes:>8} "
        f"{time.monotonic() - began:>8.0f} {replayed:>9} {differing:>10}  {'DIFFERS' if wrong else 'same'}"
    )
    return wrong[0] if wrong else None


def table(tally: Tally) -> str:
    """Kills by target, signal and instant."""
    lines = [f"{'killed':<15} {'signal':<8}" + "".join(f"{name:>16}" for name in INSTANTS) + f"{'all':>8}"]
    for target in TARGETS:
        for number in SIGNALS:
            counts = [tally.kills[Kill(target, number, instant)] for instant in INSTANTS]
            cells = "".join(f"{count:>16}" for count in counts)
            lines.append(f"{target:<15} {number.name:<8}{cells}{sum(counts):>8}")
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, help="of the kills (default: another one each time)")
    parser.add_argument("--slots", type=int, default=1, help="trials side by side")
    parser.add_argument("--epochs", type=int, default=30, help="length of the longer trials")
    parser.add_argument("--keep", type=Path, help="a new folder for the runs, which is kept")
    args = parser.parse_args()
    seed = args.seed if args.seed is not None else random.SystemRandom().randrange(10**6)
    say(f"--seed {seed} --kills {args.kills} --slots {args.slots} --epochs {args.epochs}")
    with tempfile.TemporaryDirectory(prefix="chaos-") as temporary:
        folder = args.keep or Path(temporary)
        return compare(Chaos(args.kills, random.Random(seed), args.epochs, args.slots), folder, args)


def compare(chaos: Chaos, folder: Path, args: argparse.Namespace) -> int:
    """The undisturbed run, then campaigns until all kills are made; the exit code."""
    place, began = Place(folder / "undisturbed"), time.monotonic()
    try:
        wanted = results(place, undisturbed(place, args.epochs, args.slots))
    except Broken as error:
        say(str(error))
        return 1
    say(
        f"undisturbed: {time.monotonic() - began:.0f} s, {len(wanted.planned)} trials, "
        f"{len(wanted.metric_rows):,} metric rows, weights {wanted.weights[:8]}\n"
    )
    say(f"{'':<12} {'kills':>6} {'resumes':>8} {'seconds':>8} {'replayed':>9} {'differing':>10}")
    number, wrong = 0, None
    while not chaos.is_over and wrong is None:
        number += 1
        wrong = campaign(chaos, folder / f"campaign-{number}", wanted)
    say(f"\n{table(chaos.tally)}\n")
    say(f"{chaos.tally.count} kills, {chaos.tally.resumes} resumes, {number} campaigns")
    say(f"DIFFERS: {wrong}" if wrong else "every row, ranking, handoff and weight as in the undisturbed run")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
