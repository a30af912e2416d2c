"""`staycourse`: finds the command and says what went wrong in one message."""

from __future__ import annotations

import argparse
import importlib
import io
import sys
import traceback
from collections.abc import Callable, Sequence

from staycourse import __version__
from staycourse.cli.arguments import add_runs

# Each command is the module of its name in this package; only the one that is asked for is imported.
COMMANDS = {
    "run": "check, seal and follow a roadmap",
    "init": "write a roadmap to start from, for a training script of yours",
    "check": "tell every error of a roadmap at once",
    "rehearse": "run the whole campaign in miniature, to find bugs before the seal",
    "plan": "show the phase queue of a roadmap",
    "attach": "open the view of a run again",
    "serve": "show a run in a browser, view only",
    "resume": "go on with a run after a reboot or a crash",
    "runs": "list the runs here and how they stand",
    "report": "write the report of a run again",
    "seal": "print the seal that a run of a roadmap would have",
    "verify": "recompute the chain and name the first thing that does not fit",
    "abandon": "give up a whole campaign, in the open",
    "export": "write what a run knows for other tools: CSV, TensorBoard, MLflow",
    "script": "print every experiment of a roadmap or a run as a line of a shell script",
    "train": "train one experiment by flags, without a roadmap",
    "schema": "print the JSON Schema of the roadmap, for editors",
}
USAGE, OURS = 2, 70


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; the exit code of design §7."""
    _speak_in_any_locale()
    words = list(sys.argv[1:] if arguments is None else arguments)
    parser = _parser(words)
    options = parser.parse_args(words)
    if options.command is None and not _can_show_app():
        parser.print_help()
        return USAGE
    return answered(
        lambda: importlib.import_module(f"staycourse.cli.{options.command or 'home'}").run(options)
    )


def _speak_in_any_locale() -> None:
    """A letter that the locale does not have becomes a question mark, never an error."""
    stream = sys.stdout
    if isinstance(stream, io.TextIOWrapper) and stream.encoding.lower().replace("-", "") != "utf8":
        stream.reconfigure(errors="replace")


def answered(command: Callable[[], int]) -> int:
    """The command's exit code; what goes wrong in it is told and has an exit code too."""
    try:
        return int(command())
    except ValueError as error:
        return _told(error)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        sys.stderr.close()
        return 141
    except Exception as error:
        return _unreadable(error) or _ours()


def _can_show_app() -> bool:
    from staycourse.cli.views import can_show_app

    return can_show_app()


def _parser(words: Sequence[str]) -> argparse.ArgumentParser:
    """The parser, with the options of the command that the words name."""
    parser = argparse.ArgumentParser(
        prog="staycourse",
        description="Follows a sealed roadmap of hyperparameter tuning to its end. Without a command: the "
        "app, on the roadmaps of this folder and the runs.",
        epilog="exit codes: 0 finished, 2 bad roadmap or usage, 3 a phase could not be finished, "
        "4 verification failed, 75 suspended (resume goes on)",
    )
    parser.add_argument("--version", action="version", version=f"staycourse {__version__}")
    add_runs(parser, default=None)
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", title="commands")
    asked = _asked(words)
    for name, text in COMMANDS.items():
        command = commands.add_parser(name, help=text, description=text[0].upper() + text[1:] + ".")
        if name == asked:
            importlib.import_module(f"staycourse.cli.{name}").add_arguments(command)
    return parser


def _asked(words: Sequence[str]) -> str | None:
    """The command among the words."""
    rest = iter(words)
    for word in rest:
        if word.startswith("--r") and "--runs".startswith(word):
            next(rest, None)
        elif not word.startswith("-"):
            return word
    return None


def _told(error: ValueError) -> int:
    """A mistake of the user's is one message; any other ValueError is a fault of ours."""
    from staycourse.core.problems import UserError

    if not isinstance(error, UserError):
        return _ours()
    sys.stderr.write(f"{error}\n")
    return error.exit_code


def _unreadable(error: Exception) -> int:
    """A database that is locked, or that may not be opened, is no fault of ours; 0 for any other error."""
    sqlite3 = sys.modules.get("sqlite3")
    if sqlite3 is None or not isinstance(error, sqlite3.OperationalError):
        return 0
    sys.stderr.write(f"the run's database cannot be read: {error}\n")
    return USAGE


def _ours() -> int:
    from staycourse.record.paths import NoHome, state_folder

    words = traceback.format_exc()
    try:
        log = state_folder() / "error.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("a", encoding="utf-8") as file:
            file.write(words + "\n")
    except (OSError, NoHome):
        sys.stderr.write(words)
        return OURS
    last = words.strip().splitlines()[-1]
    sys.stderr.write(f"staycourse: a fault of its own: {last}\nthe traceback is in {log}\n")
    return OURS


if __name__ == "__main__":
    sys.exit(main())
