"""How long commands take to start, beside a bare interpreter: `python bench/startup.py`.

Each command is run in turn, round after round, and the medians are shown: what the interpreter alone
takes is the floor. `--help` must not import torch; `check` loads the task in a child process that does.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def commands() -> dict[str, list[str]]:
    """What is timed, by the name in the table. The installed console script if there is one."""
    beside = Path(sys.executable).with_name("staycourse")
    script = str(beside) if beside.exists() else shutil.which("staycourse")
    module = [sys.executable, "-c", "import sys; from staycourse.cli.main import main; sys.exit(main())"]
    staycourse = [script] if script else module
    quickstart = str(ROOT / "roadmaps" / "quickstart.toml")
    return {
        "python -c pass": [sys.executable, "-c", "pass"],
        "staycourse --help": [*staycourse, "--help"],
        "staycourse check quickstart": [*staycourse, "check", quickstart],
        'python -c "import torch"': [sys.executable, "-c", "import torch"],
    }


def seconds(command: list[str], environment: dict[str, str]) -> float:
    """Wall time of one run; a command that fails ends the benchmark."""
    began = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    took = time.perf_counter() - began
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} ended with exit code {done.returncode}:\n{done.stderr}")
    return took


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7, help="runs of each command")
    args = parser.parse_args()
    roots = [str(ROOT / "engine"), str(ROOT / "tui"), os.environ.get("PYTHONPATH", "")]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, roots))}
    times: dict[str, list[float]] = {name: [] for name in commands()}
    for number in range(args.rounds + 1):
        for name, command in commands().items():
            took = seconds(command, environment)
            if number:  # the first round fills the caches
                times[name].append(took)
    sys.stdout.write(f"{args.rounds} rounds, interleaved, after one that does not count\n\n")
    sys.stdout.write(f"{'':<28} {'median, ms':>10}  {'range, ms':<14}\n")
    for name, taken in times.items():
        low, high = 1000 * min(taken), 1000 * max(taken)
        median = 1000 * statistics.median(taken)
        sys.stdout.write(f"{name:<28} {median:>10.0f}  {low:.0f} .. {high:.0f}\n")


if __name__ == "__main__":
    main()
