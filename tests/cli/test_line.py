"""`staycourse attach --line`: a run in one line, for a status bar that shows whatever it gets."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest
from tests.support.sample_run import engine_for, write_run
from tests.support.terminals import PYTHONPATH, needs_tmux, tmux
from tests.support.tiny import Place

from staycourse.cli.main import main


@pytest.fixture
def runs(place: Place, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("STAYCOURSE_RUNS", str(place.runs))
    monkeypatch.setenv("XDG_STATE_HOME", place.environment["XDG_STATE_HOME"])
    return place.runs


def line(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    """What the command says; its exit code is always 0, and it complains of nothing."""
    assert main(["attach", *words]) == 0
    out, complaint = capsys.readouterr()
    assert complaint == "" and out.endswith("\n") and out.count("\n") == 1
    return out[:-1]


def test_a_run_that_goes_on(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = write_run(runs / "digits-1", "running")
    with engine_for(run):
        assert line(capsys, "--line").startswith("● digits-1 3/5 grid 38/55 ETA ")
        assert line(capsys, "digits-1", "--compact", "--width", "20") == "● digits-1 3/5 grid"
    assert line(capsys, "--line", str(run)) == "‖ digits-1 suspended 3/5 grid 38/55"


def test_there_is_no_run(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert line(capsys, "--line") == "no run"
    assert line(capsys, "--line", "digits-7") == "no run digits-7"
    assert line(capsys, "--line", "digits-7", "--width", "6") == "no ru…"


@pytest.mark.parametrize("content", [b"", b"rubbish" * 1000])
def test_a_run_that_cannot_be_read(runs: Path, capsys: pytest.CaptureFixture[str], content: bytes) -> None:
    run = write_run(runs / "digits-1", "suspended")
    (run / "run.db").write_bytes(content)
    assert line(capsys, "--line") == "digits-1 cannot be read"


def test_a_width_of_nothing_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["attach", "--line", "--width", "0"])
    assert "expected 1 or more" in capsys.readouterr().err


def test_a_locale_without_the_glyph_gets_a_question_mark(place: Place) -> None:
    write_run(place.runs / "digits-1", "suspended")
    said = Place(place.folder, {"PYTHONIOENCODING": "latin-1"}).run("attach", "--line")
    assert (said.returncode, said.stdout, said.stderr) == (0, "? digits-1 suspended 3/5 grid 38/55\n", "")


@needs_tmux
def test_tmux_shows_it_in_its_status_bar(place: Place) -> None:
    run = write_run(place.runs / "digits-1", "running")
    own = {**place.environment, "PYTHONPATH": PYTHONPATH}
    words = [f"{name}={own[name]}" for name in ("PYTHONPATH", "XDG_STATE_HOME", "STAYCOURSE_RUNS")]
    command = shlex.join(["env", *words, *place.command("attach", "--line")])
    with engine_for(run), tmux("exec cat", (100, 24)) as server:
        server("set-option", "-g", "status-interval", "1")
        server("set-option", "-g", "status-right", f"#({command})")
        with tmux(f"env -u TMUX tmux -u -L {server.socket} attach", (100, 26)) as client:
            client.expect("● digits-1 3/5 grid 38/55 ETA")
