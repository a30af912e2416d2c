"""A database that was cut off, or with a flipped bit, is refused in one message and never believed."""

from __future__ import annotations

import os
import random
import shutil
import signal
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.faults.campaign import roadmap, trains
from tests.support.results import notes
from tests.support.tiny import Place, wait_until

from staycourse.cli.main import main
from staycourse.record.damage import DamagedRun
from staycourse.record.paths import RunPaths
from staycourse.record.store import Store

pytestmark = pytest.mark.slow
RESUME, ATTACH = ("resume", "tiny-1", "--no-ui"), ("attach", "tiny-1", "--no-ui")
REPORT, VERIFY, RUNS = ("report", "tiny-1"), ("verify", "tiny-1"), ("runs",)


@pytest.fixture(scope="module")
def suspended(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """A run that was told to stop in the middle."""
    place = Place(tmp_path_factory.mktemp("suspended"))
    with place.started("run", roadmap(place), "--no-ui") as view:
        wait_until(lambda: "trial ended" in place.kinds(), 60, "a trial has ended")
        os.kill(place.supervisor(), signal.SIGTERM)
        assert view.wait(60) == 75
    yield place
    place.close()


@pytest.fixture
def run(suspended: Place, place: Place, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of that run, in a place of its own where this process's commands look for runs."""
    for name in ("XDG_STATE_HOME", "STAYCOURSE_RUNS", "TMPDIR"):
        monkeypatch.setenv(name, place.environment[name])
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(["engine", "tui"]))
    shutil.copytree(suspended.runs, place.runs)
    return place.runs / "tiny-1"


@pytest.fixture
def chance() -> random.Random:
    seed = int(os.environ.get("STAYCOURSE_TEST_SEED", random.SystemRandom().randrange(10**6)))
    print(f"STAYCOURSE_TEST_SEED={seed}")  # noqa: T201  # pytest shows it with a failure
    return random.Random(seed)


def test_a_database_cut_off_anywhere_is_refused(
    run: Path, chance: random.Random, capfd: pytest.CaptureFixture[str]
) -> None:
    whole = (run / "run.db").read_bytes()
    lengths = [0, 1, 99, 4096, len(whole) - 1, *(chance.randrange(len(whole)) for _ in range(6))]
    for length in lengths:
        (run / "run.db").write_bytes(whole[:length])
        for words in (RESUME, ATTACH, REPORT, VERIFY):
            code = main(words)
            out, err = capfd.readouterr()
            assert (words, length, code) == (words, length, 4), out + err
            assert len((out + err).splitlines()) == 1, out + err
        assert main(RUNS) == 0
        assert "damaged" in capfd.readouterr().out
        assert not (run / "report.md").exists()
        assert (run / "run.db").read_bytes() == whole[:length], "what is damaged is left as it is"


def test_a_bit_flipped_in_any_event_is_found_and_named(
    run: Path, chance: random.Random, capfd: pytest.CaptureFixture[str]
) -> None:
    whole = (run / "run.db").read_bytes()
    with sqlite3.connect(run / "run.db") as db:
        entries = db.execute("SELECT seq, prev || hash FROM ledger WHERE length(body) > 20").fetchall()
    # In the file the two hashes stand right behind the body; a long one is on several pages.
    found = [(seq, at) for seq, hashes in entries if (at := whole.find(hashes.encode())) > 0]
    assert len(found) > 5
    for seq, end in chance.sample(found, 6):
        flipped = bytearray(whole)
        at = end - 1 - chance.randrange(20)
        flipped[at] ^= 1 << chance.randrange(8)
        (run / "run.db").write_bytes(flipped)
        for words in (RESUME, ATTACH, REPORT, VERIFY):
            assert main(words) == 4, (seq, at)
            out, err = capfd.readouterr()
            assert len((out + err).splitlines()) == 1, out + err
            assert f"event {seq} " in out + err or "UTF-8" in out + err
        assert main(RUNS) == 0
        assert "damaged" in capfd.readouterr().out


def test_a_bit_flipped_anywhere_ends_no_command_in_a_fault_of_ours(
    run: Path, chance: random.Random, capfd: pytest.CaptureFixture[str]
) -> None:
    """Where it hits nothing that is read, the commands go on; elsewhere they say so in one line."""
    whole = (run / "run.db").read_bytes()
    for _ in range(25):
        flipped = bytearray(whole)
        at = chance.randrange(len(whole))
        flipped[at] ^= 1 << chance.randrange(8)
        (run / "run.db").write_bytes(flipped)
        for words, well in ((ATTACH, 75), (VERIFY, 0), (RUNS, 0)):
            assert main(words) in (well, 4), (at, capfd.readouterr())
        (run / "run.db").write_bytes(flipped)
        try:
            Store(RunPaths(run)).close(final=False)
        except DamagedRun as error:
            assert "\n" not in str(error)
        except sqlite3.Error as error:
            pytest.fail(f"bit at {at}: {error!r}")


def test_a_chain_that_is_shorter_than_its_head_is_not_taken_up(
    run: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with sqlite3.connect(run / "run.db") as db:
        (last,) = db.execute("SELECT max(seq) FROM ledger").fetchone()
        db.execute("DELETE FROM ledger WHERE seq = ?", (last,))
    assert main(RESUME) == 4
    assert f"event {last} is missing" in capfd.readouterr().err
    shutil.copy(run / "head", run / "head.kept")
    (run / "head").write_text(f"{last - 1} {'0' * 64}\n")
    assert main(RESUME) == 4
    assert f"event {last - 1} is another" in capfd.readouterr().err


def test_a_run_can_be_started_beside_a_damaged_one(run: Path, place: Place) -> None:
    (run / "run.db").write_bytes(b"nothing")
    path = roadmap(place)
    with place.started("run", path, "--no-ui") as view:
        wait_until(lambda: "engine started" in place.kinds("tiny-2"), 60, "the new run goes")
        view.kill()


def test_a_head_that_is_gone_is_on_record(place: Place) -> None:
    with place.started("run", roadmap(place), "--no-ui") as view:
        wait_until(lambda: trains(place), 60, "a trial is on its way")
        os.kill(place.supervisor(), signal.SIGTERM)
        assert view.wait(60) == 75
    (place.runs / "tiny-1" / "head").unlink()
    assert place.run("verify", "tiny-1").returncode == 4
    assert place.run("resume", "--no-ui").returncode == 0
    assert ["the file head was missing" in note for note in notes(place, "ledger")] == [True]
    assert place.run("verify", "tiny-1").returncode == 0
