"""A run whose sealed roadmap cannot be read is refused in one message, and stops no other run."""

from __future__ import annotations

import pytest
from tests.support.run_folder import sealed_run
from tests.support.tiny import Place

from staycourse.cli.main import main
from staycourse.core.events import RunAbandoned
from staycourse.record.paths import RunPaths
from staycourse.supervise import launch


def damaged(place: Place, name: str, damage: str) -> RunPaths:
    paths, store = sealed_run(place.runs / name)
    store.close(final=True)
    if damage == "missing":
        paths.roadmap.unlink()
    else:
        text = bytearray(paths.roadmap.read_bytes())
        text[3] = 0xFF
        paths.roadmap.write_bytes(text)
    return paths


@pytest.mark.parametrize("damage", ["missing", "a byte"])
def test_it_is_a_damaged_run_and_stops_no_other(place: Place, damage: str) -> None:
    paths = damaged(place, "broken-1", damage)
    _, store = sealed_run(place.runs / "whole-1")
    store.append(RunAbandoned("wrong loss"))
    store.close(final=True)
    for words in (
        ("resume", "broken-1", "--no-ui"),
        ("attach", "broken-1", "--no-ui"),
        ("report", "broken-1"),
    ):
        done = place.run(*words)
        assert done.returncode == 4, done
        assert str(paths.roadmap) in done.stderr and len(done.stderr.splitlines()) == 1
    done = place.run("runs")
    assert done.returncode == 0 and str(paths.roadmap) in done.stdout
    assert {line.split()[1] for line in done.stdout.splitlines()[1:3]} == {"damaged", "abandoned"}
    done = place.run("resume", "--all")
    assert done.returncode == 2 and not done.stderr
    assert "broken-1: cannot be resumed: " in done.stdout and "whole-1: abandoned already" in done.stdout


def test_whatever_stands_against_one_run_the_next_one_has_its_line(
    place: Place, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("XDG_STATE_HOME", "STAYCOURSE_RUNS"):
        monkeypatch.setenv(name, place.environment[name])
    for name in ("a-1", "b-1"):
        sealed_run(place.runs / name)[1].close(final=True)
    monkeypatch.setattr(launch, "read_state", lambda paths: {}[paths.name])
    assert main(["resume", "--all"]) == 2
    said = capsys.readouterr().out
    for name in ("a-1", "b-1"):
        assert f"{name}: cannot be resumed: a fault of its own: KeyError: '{name}'" in said
