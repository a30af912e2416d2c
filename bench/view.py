"""What the app takes, beside a minimal Textual app, htop and btop: `python bench/view.py`.

Four parts, each a part of the table (`--part` names those wanted):

- paint: from the start of the process to the first visible byte, and to the first picture with data;
- traffic: bytes a second to the terminal and the share of a CPU, at rest and while a run streams;
- scale: attaching to a run of ten thousand trials and ten million metric rows, and following it;
- day: the memory of a view through a day's reads of a run that streams.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "engine"), str(ROOT / "tui")]

from viewing.day import day  # noqa: E402
from viewing.paint import paint  # noqa: E402
from viewing.place import say  # noqa: E402
from viewing.scale import scale  # noqa: E402
from viewing.traffic import traffic  # noqa: E402

PARTS = ("paint", "traffic", "scale", "day")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--part", action="append", choices=PARTS, help="only this one; may be given again")
    parser.add_argument("--rounds", type=int, default=7, help="starts of each program")
    parser.add_argument("--seconds", type=float, default=20.0, help="how long traffic is watched")
    parser.add_argument("--trials", type=int, default=10_000, help="of the very large run")
    parser.add_argument("--rows", type=int, default=10_000_000, help="metric rows of the very large run")
    parser.add_argument("--hours", type=float, default=24.0, help="simulated, of the day")
    parser.add_argument("--folder", type=Path, help="where runs are written; a temporary one by default")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="staycourse-bench-", dir=args.folder) as name:
        folder = Path(name)
        parts = {
            "paint": lambda: paint(folder, args.rounds),
            "traffic": lambda: traffic(folder, args.seconds),
            "scale": lambda: scale(folder, args.trials, args.rows, args.rounds, args.seconds),
            "day": lambda: day(folder, args.hours),
        }
        for part in args.part or PARTS:
            parts[part]()
            say()


if __name__ == "__main__":
    main()
