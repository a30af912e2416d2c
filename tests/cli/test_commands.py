"""Each command as its user meets it, over a campaign that has been run for this file."""

from __future__ import annotations

import json
import os
import pty
import re
import resource
import select
import shutil
import signal
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator
from pathlib import Path

import jsonschema
import pytest
from tests.support.tiny import CONFIRM, FINAL, GRID, PROBE, Place, wait_until, write_roadmap

from staycourse.cli.main import COMMANDS

ROADMAPS = Path(__file__).parents[2] / "roadmaps"
SPACE = {"lr": {"log": [1e-3, 1e-1]}, "batch_size": 8, "dropout": {"range": [0.0, 0.3]}}
LINE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d\d:\d\d \S")


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Place, subprocess.CompletedProcess]]:
    """A place in which the tiny roadmap has been run to its end, and what that said."""
    place = Place(tmp_path_factory.mktemp("finished"))
    done = place.run("run", write_roadmap(place.folder), "--no-ui")
    yield place, done
    place.close()


def slow_roadmap(place: Place, step_ms: int = 60) -> Path:
    """Two phases and a final one, whose trials take some seconds each."""
    grid = {"kind": "grid", "points": {"lr": 2}, "epochs": 6, "keep": 1}
    phases = [{**PROBE, "trials": 1}, grid, FINAL]
    return write_roadmap(place.folder, space=SPACE, phases=phases, args={"step_ms": step_ms})


def is_training(place: Place, run: str = "tiny-1") -> bool:
    return bool(place.rows("SELECT 1 FROM metric WHERE name = 'val_loss'", run))


# --- start-up ------------------------------------------------------------------------------------------


def test_help_and_version_are_quick(place: Place) -> None:
    """In processor time, which a busy machine does not stretch; the quickest of a few counts."""

    def cost(*command: str) -> float:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(command, env=place.environment, check=True, capture_output=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    bare = min(cost(sys.executable, "-P", "-c", "pass") for _ in range(3))
    for option in ("--help", "--version"):
        assert min(cost(*place.command(option)) for _ in range(3)) < bare + 0.15, option


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(place: Place, command: str) -> None:
    done = place.run(command, "--help")
    assert done.returncode == 0 and not done.stderr
    assert f"usage: staycourse {command}" in done.stdout


def test_help_names_every_command_and_exit_code(place: Place) -> None:
    said = place.run("--help").stdout
    assert all(re.search(rf"^    {command}  ", said, re.MULTILINE) for command in COMMANDS)
    assert all(
        code in said for code in ("0 finished", "2 bad", "3 a phase", "4 verification", "75 suspended")
    )
    bare = place.run()
    assert bare.returncode == 2 and "usage: staycourse" in bare.stdout
    assert place.run("--version").stdout.split() == ["staycourse", "0.1.0"]


def test_commands_never_import_torch(finished: tuple[Place, object], tmp_path: Path) -> None:
    place, _ = finished
    code = (
        "import sys\nfrom staycourse.cli.main import main\n"
        "for words in {commands!r}:\n"
        "    assert main(words) == 0, words\n"
        "    assert 'torch' not in sys.modules and 'textual' not in sys.modules, words\n"
    )
    roadmap = str(write_roadmap(tmp_path, space=SPACE, phases=[PROBE]))
    commands = [
        ["schema"],
        ["plan", roadmap],
        ["check", roadmap],
        ["runs"],
        ["attach", "tiny-1", "--no-ui"],
        ["resume", "tiny-1"],
        ["report", "tiny-1", "-o", str(tmp_path / "report.md")],
    ]
    script = code.format(commands=commands)
    done = subprocess.run(
        [sys.executable, "-P", "-c", script],
        env=place.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


# --- before a run --------------------------------------------------------------------------------------


def test_plan_shows_the_queue_with_its_bounds(place: Place) -> None:
    done = place.run("plan", write_roadmap(place.folder, space=SPACE, phases=[PROBE, GRID, CONFIRM, FINAL]))
    assert done.returncode == 0 and not done.stderr
    rows = [line.split()[:5] for line in done.stdout.splitlines() if re.match(r"\d  ", line)]
    assert rows == [
        ["1", "probe", "3", "3", "9"],
        ["2", "grid", "4", "4", "8"],
        ["3", "confirm", "2", "4", "8"],
        ["4", "final", "1", "4", "4"],
    ]
    assert "10 trials and 29 epochs at most" in done.stdout
    assert not place.run_folders()


def test_check_says_what_it_saw(place: Place) -> None:
    done = place.run("check", write_roadmap(place.folder, space=SPACE, phases=[PROBE]))
    assert done.returncode == 0 and not done.stderr
    assert "data: 64 to train on, 16 to validate on" in done.stdout
    assert "no errors" in done.stdout
    assert not place.run_folders() and not list((place.folder / "tmp").glob("staycourse-*"))


def test_the_schema_takes_the_ready_roadmaps_and_refuses_mistakes(place: Place) -> None:
    schema = json.loads(place.run("schema").stdout)
    validator = jsonschema.validators.validator_for(schema)
    validator.check_schema(schema)
    validate = validator(schema).validate
    for path in sorted(ROADMAPS.glob("*.toml")):
        validate(tomllib.loads(path.read_text()))
    for old, new in (
        ('goal = "min"', 'goal = "least"'),
        ("seed = 7", 'seed = "7"'),
        ("trials = 8 ", "trails = 8 "),
        ('kind = "probe"', 'kind = "prob"'),
        ("patience = 6", "patience = 0"),
    ):
        text = (ROADMAPS / "quickstart.toml").read_text()
        assert old in text
        with pytest.raises(jsonschema.ValidationError):
            validate(tomllib.loads(text.replace(old, new, 1)))


# --- a run that ends -----------------------------------------------------------------------------------


def test_a_run_without_a_terminal_is_a_line_an_event(finished) -> None:
    place, done = finished
    assert done.returncode == 0, done.stdout + done.stderr
    assert not done.stderr and "\x1b" not in done.stdout
    said = done.stdout.splitlines()
    first = next(at for at, line in enumerate(said) if line.startswith("run folder: "))
    assert said[first] == f"run folder: {place.runs / 'tiny-1'}"
    events = said[first + 1 : -2]
    assert all(LINE.match(line) for line in events), events
    assert len(events) == len(place.kinds())
    for kind in ("probe", "narrow", "grid", "confirm", "final"):
        assert sum(f"{kind} begins" in line for line in events) == 1
        assert sum(f"{kind} done" in line for line in events) == 1
    assert said[-2] == f"weights: {place.runs / 'tiny-1' / 'final' / 'model.safetensors'}"
    assert said[-1] == f"report: {place.runs / 'tiny-1' / 'report.md'}"


def test_the_run_folder_holds_what_it_should(finished) -> None:
    place, _ = finished
    run = place.runs / "tiny-1"
    assert run.stat().st_mode & 0o777 == 0o700
    names = {path.name for path in run.iterdir()}
    assert names >= {
        "roadmap.toml",
        "code",
        "run.db",
        "engine.log",
        "trials",
        "final",
        "report.md",
        "figures",
    }
    assert {path.name for path in (run / "final").iterdir()} == {"model.safetensors", "setup.json", "last.pt"}
    assert (run / "roadmap.toml").read_text() == (place.folder / "tiny.toml").read_text()
    assert (run / "code" / "task.py").read_text() == (place.folder / "task.py").read_text()
    assert place.rows("PRAGMA journal_mode") == [("delete",)]
    assert not (run / "run.db-wal").exists()
    wait_until(lambda: not place.processes(), 20, "the engine is gone")


def test_attach_and_resume_of_a_finished_run_say_so(finished) -> None:
    place, _ = finished
    attached = place.run("attach", "--no-ui")
    assert attached.returncode == 0 and "run finished" in attached.stdout
    resumed = place.run("resume", "tiny-1", "--no-ui")
    assert resumed.returncode == 0 and "tiny-1 is finished" in resumed.stdout
    report = place.runs / "tiny-1" / "report.md"
    report.unlink()  # as if the engine had been killed before it wrote it
    by_folder = place.run("resume", place.runs / "tiny-1")
    assert by_folder.returncode == 0 and "sealed" in report.read_text()
    assert place.kinds().count("engine started") == 1


def test_a_finished_run_cannot_be_abandoned(finished) -> None:
    place, _ = finished
    before = (place.runs / "tiny-1" / "run.db").read_bytes()
    done = place.run("abandon", "tiny-1", "--reason", "second thoughts")
    assert done.returncode == 2 and "tiny-1 is finished already" in done.stderr
    assert (place.runs / "tiny-1" / "run.db").read_bytes() == before


def test_runs_lists_runs_from_anywhere_and_survives_broken_ones(finished, tmp_path: Path) -> None:
    place, _ = finished
    (place.runs / "torn-1").mkdir()
    (place.runs / "torn-1" / "run.db").write_bytes(b"this is no database")
    try:
        done = place.run("runs")
        elsewhere = place.run("runs", "--runs", tmp_path)
    finally:
        shutil.rmtree(place.runs / "torn-1")
    assert done.returncode == 0 and elsewhere.returncode == 0
    row = next(line for line in done.stdout.splitlines() if line.startswith("tiny-1"))
    assert "finished" in row and "5/5 final" in row and "11/11" in row
    assert re.search(r"^torn-1 +damaged", done.stdout, re.MULTILINE)
    assert "tiny-1" in elsewhere.stdout  # by the user's list, not by the folder


def test_report_is_written_again_or_elsewhere(finished, tmp_path: Path) -> None:
    place, _ = finished
    report = place.runs / "tiny-1" / "report.md"
    first = report.read_text()
    report.unlink()
    done = place.run("report", "tiny-1")
    assert done.returncode == 0 and done.stdout.strip() == str(report)
    assert report.read_text() == first
    other = tmp_path / "other.md"
    assert place.run("report", "tiny-1", "-o", other).returncode == 0
    assert other.exists()
    nowhere = place.run("report", "tiny-1", "-o", "/proc/nowhere/report.md")
    assert nowhere.returncode == 2 and "cannot be written" in nowhere.stderr


# --- a run that is left, stopped, given up -------------------------------------------------------------


@pytest.mark.slow
def test_ctrl_c_leaves_the_view_and_sigterm_stops_the_run(place: Place) -> None:
    """Ctrl-C and kill -9 of a view do nothing to the run; SIGTERM is passed on, and resume goes on."""
    roadmap = slow_roadmap(place)
    with place.started("run", roadmap, "--no-ui") as view:
        wait_until(lambda: is_training(place), 60, "a trial trains")
        pid = place.supervisor()
        view.send_signal(signal.SIGINT)
        said, errors = view.communicate(timeout=20)
    assert view.returncode == 130 and not errors
    assert said.splitlines()[-1] == "the run goes on; `staycourse attach tiny-1` shows it again"
    assert place.supervisor() == pid and pid in place.processes()

    with place.started("attach", "--no-ui") as view:
        assert "sealed" in view.stdout.readline()
        view.kill()
    assert pid in place.processes()

    with place.started("attach", "tiny-1", "--no-ui") as view:
        assert "sealed" in view.stdout.readline()
        view.terminate()
        said, errors = view.communicate(timeout=60)
    assert view.returncode == 75 and not errors
    assert "`staycourse resume tiny-1` goes on" in said.splitlines()[-1]
    wait_until(lambda: not place.processes(), 20, "the engine is gone")
    assert place.kinds()[-1] == "engine stopped"
    assert "tiny-1  suspended" in place.run("runs").stdout
    attached = place.run("attach", "--no-ui")
    assert attached.returncode == 75 and "resume tiny-1" in attached.stdout

    done = place.run("resume", "--no-ui")
    assert done.returncode == 0, done.stdout + done.stderr
    assert place.kinds().count("engine started") == 2 and place.kinds()[-1] == "run finished"
    assert place.rows("SELECT count(*) FROM trial WHERE status = 'ended'") == [(4,)]


@pytest.mark.slow
def test_abandon_ends_a_campaign_in_the_open(place: Place) -> None:
    roadmap = slow_roadmap(place)
    with place.started("run", roadmap, "--no-ui") as view:
        wait_until(lambda: is_training(place), 60, "a trial trains")
        refused = place.run("abandon", "tiny-1", "--reason", "wrong loss")
        assert refused.returncode == 2 and "already has a supervisor" in refused.stderr
        view.terminate()
        assert view.wait(60) == 75

    assert place.run("abandon", "tiny-1", "--reason", " \n ").returncode == 2
    done = place.run("abandon", "tiny-1", "--reason", "the loss has | the *wrong* sign")
    assert done.returncode == 0 and "tiny-1 is abandoned" in done.stdout
    assert place.kinds()[-1] == "run abandoned"
    report = (place.runs / "tiny-1" / "report.md").read_text()
    assert "ABANDONED" in report.splitlines()[0] + report.splitlines()[2]
    assert "sign" in report and "| t1 |" in report
    assert not (place.runs / "tiny-1" / "final" / "model.safetensors").exists()

    resumed = place.run("resume", "tiny-1", "--no-ui")
    assert resumed.returncode == 2 and "was abandoned" in resumed.stderr
    again = place.run("abandon", "tiny-1", "--reason", "twice")
    assert again.returncode == 2 and "abandoned already" in again.stderr
    assert place.run("attach", "--no-ui").returncode == 0

    quick = write_roadmap(place.folder, space=SPACE, phases=[{**PROBE, "trials": 1, "epochs": 1}])
    assert place.run("run", quick, "--no-ui").returncode == 0
    body = json.loads(place.rows("SELECT body FROM ledger WHERE kind = 'run sealed'", "tiny-2")[0][0])
    assert body["ancestor"]["run"] == "tiny-1" and "sign" in body["ancestor"]["reason"]
    assert "tiny-1" in (place.runs / "tiny-2" / "report.md").read_text()


# --- on a terminal -------------------------------------------------------------------------------------


class Terminal:
    """A command on a pseudo-terminal of its own: what it shows, and keys for it."""

    def __init__(self, place: Place, *words: str | Path) -> None:
        self.pid, self._fd = pty.fork()
        if self.pid == 0:
            os.chdir(place.folder)
            environment = {**place.environment, "TERM": "xterm-256color", "COLUMNS": "110", "LINES": "40"}
            command = place.command(*words)
            os.execve(command[0], command, environment)
        self.shown = ""

    def look(self) -> bool:
        """Read what there is; False once the terminal is closed."""
        if select.select([self._fd], [], [], 0.1)[0]:
            try:
                self.shown += os.read(self._fd, 65536).decode("utf-8", "replace")
            except OSError:
                return False
        return True

    def wait_for(self, text: str, seconds: float = 60) -> None:
        wait_until(lambda: self.look() and text in self.shown, seconds, f"{text!r} is shown")

    def press(self, keys: bytes) -> None:
        os.write(self._fd, keys)

    def leave(self, seconds: float = 60) -> int:
        """Wait for the command's end; its exit code."""
        deadline = time.monotonic() + seconds
        while self.look():
            assert time.monotonic() < deadline, self.shown[-2000:]
        os.close(self._fd)
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


@pytest.mark.slow
def test_progress_bars_on_a_terminal_and_ctrl_c(place: Place) -> None:
    terminal = Terminal(place, "run", slow_roadmap(place), "--no-ui")
    terminal.wait_for("samples/s")
    terminal.press(b"\x03")
    assert terminal.leave() == 130
    assert "━" in terminal.shown
    for words in ("probe", "grid", "final", "t1", "train_loss", "val_loss"):
        assert words in terminal.shown, words
    assert "the run goes on; `staycourse attach tiny-1` shows it again" in terminal.shown
    assert place.supervisor() in place.processes()

    attached = Terminal(place, "attach", "--no-ui")
    attached.wait_for("probe")
    os.kill(attached.pid, signal.SIGTERM)
    assert attached.leave() == 75
