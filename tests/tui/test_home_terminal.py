"""The bare command in a real terminal."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path

from tests.support.sample_run import engine_for, write_run
from tests.support.tiny import PROBE, Place, wait_until, write_roadmap
from tests.tui.test_terminal import PYTHONPATH, needs_tmux, tmux


@needs_tmux
def test_from_home_into_a_run_and_a_plan_and_back(tmp_path: Path) -> None:
    place = Place(tmp_path)
    write_roadmap(place.folder, space={"lr": {"log": [1e-3, 1e-1]}, "batch_size": 8}, phases=[PROBE])
    runs = tmp_path / "kept"
    run = write_run(runs / "digits-1", "running")
    write_run(runs / "digits-2", "suspended")
    command = (
        f"cd {place.folder} && env PYTHONPATH={PYTHONPATH} XDG_STATE_HOME={tmp_path / 'state'} "
        f"{sys.executable} -m staycourse.cli.main --runs {runs}; echo code $?; exec cat"
    )
    with engine_for(run), tmux(command, (80, 24)) as terminal:
        terminal.expect("✓ reads well tiny.toml", "● running   digits-1", "‖ suspended digits-2", "d leave")
        terminal.press("Enter")
        terminal.expect("● digits-1", "3/5 grid", "LOCKED", "d detach")
        terminal.press("Escape")
        terminal.expect("✓ reads well tiny.toml", "d leave")
        terminal.press("1", "Enter")
        terminal.expect("○ tiny", "NOT SEALED YET", "enter seal", "esc back")
        terminal.press("Escape")
        terminal.expect("● running   digits-1", "d leave")
        terminal.press("q")
        said = terminal.expect("code 0").split("\n")
        assert said[:2] == ["the run goes on; `staycourse attach digits-1` shows it again", "code 0"]
        assert not place.runs.exists()
    with tmux(command.replace(f"--runs {runs}", ""), (80, 24)) as terminal:
        terminal.expect("no run yet", "✓ reads well tiny.toml")
        terminal.press("Enter")
        terminal.expect("checking: the task is loaded")
        wait_until(lambda: checks(place), 20, "the check has begun")
        terminal.press("C-c")
        assert terminal.expect("code 0").split("\n")[0] == "code 0"
    wait_until(lambda: not checks(place), 20, "the check has gone with the app")


def checks(place: Place) -> list[int]:
    """The processes of a check."""
    found = []
    for pid in place.processes():
        with contextlib.suppress(OSError):
            if b"staycourse.task.inspection" in Path(f"/proc/{pid}/cmdline").read_bytes():
                found.append(pid)
    return found
