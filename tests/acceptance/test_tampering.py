"""Whoever changes a finished run by hand is found out: each case on a copy of a real run."""

from __future__ import annotations

import contextlib
import json
import random
import re
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.support.tiny import Place, write_roadmap

from staycourse.core.canonical import canonical_json
from staycourse.record.ledger import GENESIS, chained
from staycourse.record.paths import RunPaths
from staycourse.record.verification import verify
from staycourse.report import write_report

pytestmark = pytest.mark.slow

SPACE = {"lr": {"log": [1e-3, 1e-1]}, "batch_size": 8, "dropout": {"range": [0.0, 0.3]}}


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = Place(tmp_path_factory.mktemp("original"))
    done = place.run("run", write_roadmap(place.folder, space=SPACE), "--no-ui")
    assert done.returncode == 0, done.stdout + done.stderr
    return place.runs / "tiny-1"


@pytest.fixture
def copy(original: Path, tmp_path: Path) -> RunPaths:
    return RunPaths(Path(shutil.copytree(original, tmp_path / "tiny-1")))


def sql(*statements: str) -> Callable[[RunPaths], None]:
    def change(run: RunPaths) -> None:
        with database(run) as db:
            assert sum(db.execute(statement).rowcount for statement in statements) > 0

    return change


@contextlib.contextmanager
def database(run: RunPaths) -> Iterator[sqlite3.Connection]:
    with contextlib.closing(sqlite3.connect(run.database)) as db, db:
        yield db


def rewrite(run: RunPaths, change: Callable[[list[list]], None]) -> None:
    """Change the ledger's (time, kind, body) rows and forge the chain and the head to fit."""
    with database(run) as db:
        rows = [list(row) for row in db.execute("SELECT time, kind, body FROM ledger ORDER BY seq")]
        change(rows)
        db.execute("DELETE FROM ledger")
        prev = GENESIS
        for seq, (time, kind, body) in enumerate(rows, start=1):
            entry = chained(seq, time, kind, body, prev)
            db.execute(
                "INSERT INTO ledger VALUES (?, ?, ?, ?, ?, ?)", (seq, time, kind, body, prev, entry.hash)
            )
            prev = entry.hash
    run.head.write_text(f"{len(rows)} {prev}\n")


def forged(change: Callable[[list[list]], None], *, with_copies: bool = True) -> Callable[[RunPaths], None]:
    def tamper(run: RunPaths) -> None:
        rewrite(run, change)
        if with_copies:
            run.report.unlink()
            run.final_setup.write_text("{}")

    return tamper


def both(one: Callable[[RunPaths], None], other: Callable[[RunPaths], None]) -> Callable[[RunPaths], None]:
    def change(run: RunPaths) -> None:
        one(run)
        other(run)

    return change


def edit(name: str, old: str, new: str) -> Callable[[RunPaths], None]:
    def change(run: RunPaths) -> None:
        text = (run.root / name).read_text()
        assert old in text
        (run.root / name).write_text(text.replace(old, new, 1))

    return change


def flip(name: str) -> Callable[[RunPaths], None]:
    """One bit in the middle of a file."""

    def change(run: RunPaths) -> None:
        (path,) = run.root.glob(name)
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 1
        path.write_bytes(content)

    return change


def trigger(run: RunPaths) -> None:
    with database(run) as db:
        db.execute(
            "CREATE TRIGGER kinder AFTER INSERT ON metric BEGIN UPDATE metric SET value = 0.1 "
            "WHERE trial = NEW.trial; END"
        )


def put(name: str) -> Callable[[RunPaths], None]:
    def change(run: RunPaths) -> None:
        (run.root / name).parent.mkdir(exist_ok=True)
        (run.root / name).write_text("x = 1\n")

    return change


def drop(name: str) -> Callable[[RunPaths], None]:
    return lambda run: next(iter(run.root.glob(name))).unlink()


def changed(rows: list[list], kind: str, said: str, change: Callable[[dict], None]) -> None:
    """The first event of that kind that says it."""
    place = next(i for i, row in enumerate(rows) if row[1] == kind and said in row[2])
    body = json.loads(rows[place][2])
    change(body)
    rows[place][2] = canonical_json(body)


def better(rows: list[list]) -> None:
    """A trial of the grid with a better result than it had."""
    halved = lambda body: body.update(curve=[[epoch, value / 2] for epoch, value in body["curve"]])  # noqa: E731
    changed(rows, "trial ended", '"t7"', halved)


def another_epoch(rows: list[list]) -> None:
    changed(rows, "trial ended", '"t1"', lambda body: body["curve"].append([9, 0.001]))


def another_best(rows: list[list]) -> None:
    changed(rows, "trial ended", '"t1"', lambda body: body.update(best_epoch=2, best_value=0.001))


def winner_at_the_end(rows: list[list]) -> None:
    changed(rows, "run finished", "winner", lambda body: body["winner"].update(lr=0.05))


def without_a_trial(rows: list[list]) -> None:
    rows[:] = [row for row in rows if '"trial":"t8"' not in row[2]]


def other_winner(rows: list[list]) -> None:
    other = lambda body: body["handoff"]["ranking"][0]["setup"].update(lr=0.05)  # noqa: E731
    changed(rows, "phase closed", '"phase":2', other)


def other_plan(rows: list[list]) -> None:
    rows[0][2] = rows[0][2].replace('"version":"', '"version":"9')


TRIAL_T2 = "trial = 't2' AND name = 'val_loss'"
CASES: dict[str, tuple[Callable[[RunPaths], None], str]] = {
    "a metric value": (
        sql(f"UPDATE metric SET value = value * 0.9 WHERE {TRIAL_T2} AND epoch = 2"),
        r"trial t2: the row of val_loss at step \d+ \(epoch 2, now 0\.\d+\) was changed",
    ),
    "the last bit of a metric value": (
        sql(f"UPDATE metric SET value = value * (1 + 3e-16) WHERE {TRIAL_T2} AND epoch = 2"),
        r"trial t2: the row of val_loss at step \d+ .* was changed",
    ),
    "a metric row deleted": (
        sql(f"DELETE FROM metric WHERE {TRIAL_T2} AND epoch = 2"),
        r"trial t2: a row of val_loss after step \d+ is missing",
    ),
    "the last metric row deleted": (
        sql(f"DELETE FROM metric WHERE {TRIAL_T2} AND epoch = 3"),
        r"trial t2: a row of val_loss after step \d+ is missing",
    ),
    "a metric row put in": (
        sql("INSERT INTO metric VALUES ('t2', 'val_loss', 3, 1, 0.01)"),
        r"trial t2: the row of val_loss at step 3 was put in",
    ),
    "a trial's metric rows deleted": (
        sql("DELETE FROM metric WHERE trial = 't2'"),
        r"trial t2: a row of \w+ .* is missing",
    ),
    "a trial's metric rows and their proof deleted": (
        sql("DELETE FROM metric WHERE trial = 't2'", "DELETE FROM proof WHERE trial = 't2'"),
        r"trial t2: its metric rows are not those",
    ),
    "rows of a trial that never was": (
        sql("INSERT INTO metric VALUES ('t99', 'val_loss', 3, 1, 0.01)"),
        r"a trial t99 that is not in the ledger",
    ),
    "a trial deleted": (sql("DELETE FROM trial WHERE id = 't2'"), r"trial t2 is missing"),
    "a trial put in": (
        sql("CREATE TEMP TABLE copied AS SELECT * FROM trial WHERE id = 't2'",
            "UPDATE copied SET id = 't99'", "INSERT INTO trial SELECT * FROM copied"),
        r"trial t99 .* is not in the ledger",
    ),
    "a trial's result": (
        sql("UPDATE trial SET best_value = 0.001 WHERE id = 't2'"),
        r"trial t2 .*: best_value is 0\.001, not 0\.\d+",
    ),
    "an event removed": (sql("DELETE FROM ledger WHERE seq = 9"), r"event 9 is missing"),
    "the first event removed": (sql("DELETE FROM ledger WHERE seq = 1"), r"event 1 is missing"),
    "the last event removed": (
        sql("DELETE FROM ledger WHERE seq = (SELECT max(seq) FROM ledger)"),
        r"event (\d+) is missing: the ledger ends before event \1, which head names",
    ),
    "every event removed": (sql("DELETE FROM ledger"), r"event 1, the seal, is missing"),
    "two events swapped": (
        sql("UPDATE ledger SET seq = -1 WHERE seq = 9", "UPDATE ledger SET seq = 9 WHERE seq = 10",
            "UPDATE ledger SET seq = 10 WHERE seq = -1"),
        r"event 9 \(.*\) does not follow",
    ),
    "what two events say swapped": (
        sql("UPDATE ledger SET body = (SELECT body FROM ledger AS l WHERE l.seq = 19 - ledger.seq) "
            "WHERE seq IN (9, 10)"),
        r"event 9 \(.*\) was changed",
    ),
    "an event's time": (
        sql("UPDATE ledger SET time = '2020-01-01T00:00:00.000Z' WHERE seq = 9"),
        r"event 9 \(.*\) was changed",
    ),
    "the last event removed, the head forged": (
        lambda run: rewrite(run, lambda rows: rows.pop()), r"event \d+ is missing: .* which report\.md names",
    ),
    "a forged chain beside its report": (
        forged(better, with_copies=False), r"event \d+ is another than the one",
    ),
    "a better result, chain and copies forged": (
        forged(better), r"trial t7: val_loss of epoch \d+ is not the one that it was ranked by",
    ),
    "a trial left out, chain and copies forged": (
        forged(without_a_trial), r"a trial t8 that is not in the ledger|trial t8 .* not in the ledger",
    ),
    "another winner, chain and copies forged": (
        forged(other_winner), r"\(phase closed\): the phase's trials do not lead to what it handed on",
    ),
    "an epoch made up, chain and copies forged": (
        forged(another_epoch), r"trial t1: there is no val_loss of epoch 9, by which it was ranked",
    ),
    "a best epoch made up, chain and copies forged": (
        both(forged(another_best),
             sql("UPDATE trial SET best_epoch = 2, best_value = 0.001 WHERE id = 't1'")),
        r"trial t1: its best epoch, 2, is none of its curve",
    ),
    "another winner in the last event alone, chain and copies forged": (
        forged(winner_at_the_end), r"\(run finished\): its winner is not the first of the last ranking",
    ),
    "a trigger put into the database": (
        lambda run: trigger(run), r"run\.db has a trigger kinder, which no engine puts there",
    ),
    "the head deleted": (drop("head"), r"the file head is missing"),
    "the head of another run": (put("head"), r"the file head holds no"),
    "a checkpoint replaced": (put("trials/t10/last.pt"), r"trials/t10/last\.pt is not the file"),
    "a checkpoint with a flipped bit": (flip("trials/t10/last.pt"), r"trials/t10/last\.pt is not the file"),
    "a checkpoint deleted": (drop("trials/t10/last.pt"), r"trials/t10/last\.pt is missing"),
    "the weights with a flipped bit": (flip("final/model.safetensors"), r"final/model\.safetensors is not"),
    "the weights deleted": (drop("final/model.safetensors"), r"final/model\.safetensors is missing"),
    "the winner's set-up": (edit("final/setup.json", '"lr": ', '"lr": 1'), r"final/setup\.json is not"),
    "a sealed source": (edit("code/task.py", "nn.Tanh()", "nn.ReLU()"), r"code/task\.py was changed since"),
    "a sealed source deleted": (drop("code/task.py"), r"code/task\.py is missing"),
    "a module put beside the sealed source": (put("code/torch.py"), r"code/torch\.py was not there"),
    "a compiled file beside the sealed source": (
        put("code/__pycache__/task.cpython-311.pyc"), r"code/__pycache__/.* was not there",
    ),
    "the sealed roadmap": (edit("roadmap.toml", "seed = 5", "seed = 6"), r"roadmap\.toml was changed"),
    "the sealed roadmap deleted": (drop("roadmap.toml"), r"roadmap\.toml is missing"),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_what_was_tampered_with_is_named(copy: RunPaths, case: str) -> None:
    tamper, named = CASES[case]
    assert verify(copy).fits
    tamper(copy)
    verified = verify(copy)
    assert not verified.fits
    assert re.search(named, verified.line), verified.line
    assert "\n" not in verified.line


def test_the_command_says_it_in_one_line_and_with_its_exit_code(copy: RunPaths, tmp_path: Path) -> None:
    place = Place(tmp_path)
    done = place.run("verify", copy.root)
    assert (done.returncode, done.stderr) == (0, "")
    assert re.fullmatch(
        r"tiny-1 fits its seal [0-9a-f]{8}: \d+ events up to [0-9a-f]{8}, \d+ metric rows of 11 trials, "
        r"\d+ files, \d sealed sources and 5 handoffs recomputed; the run is finished\n",
        done.stdout,
    )
    sql("UPDATE metric SET value = 0 WHERE trial = 't1' AND name = 'lr'")(copy)
    done = place.run("verify", copy.root)
    assert (done.returncode, done.stderr) == (4, "")
    assert re.fullmatch(
        r"tiny-1 does not fit: trial t1: the row of lr at step \d+ .* was changed\n", done.stdout
    )


def test_what_decides_nothing_may_change(copy: RunPaths) -> None:
    sql("UPDATE timing SET value = 0", "DELETE FROM hardware")(copy)
    edit("roadmap.toml", "seed = 5", "seed = 5  # a comment")(copy)
    copy.log.write_text("")
    assert verify(copy).fits


def test_what_a_report_quotes_of_other_runs_is_no_head_of_this_one(copy: RunPaths) -> None:
    copy.roadmap.write_text(f"# follows tiny-0: event 999, {'a' * 64}\n{copy.roadmap.read_text()}")
    write_report(copy)
    assert f"event 999, {'a' * 64}" in copy.report.read_text()
    assert verify(copy).fits


def results(run: RunPaths) -> list[list[tuple]]:
    """All that verify answers for, in the database."""
    tables = (
        "SELECT * FROM ledger ORDER BY seq",
        "SELECT * FROM metric ORDER BY trial, name, step",
        "SELECT id, setup, outcome, best_epoch, best_value, epoch FROM trial ORDER BY id",
    )
    with contextlib.closing(sqlite3.connect(run.database)) as db:
        return [db.execute(table).fetchall() for table in tables]


def test_no_flipped_bit_of_the_database_is_accepted_where_it_changes_a_result(copy: RunPaths) -> None:
    seed = random.SystemRandom().randrange(10**6)
    print(f"seed {seed}")  # noqa: T201  # pytest shows it with a failure
    chance, good, truth = random.Random(seed), copy.database.read_bytes(), results(copy)
    found = 0
    for _ in range(80):
        content = bytearray(good)
        content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
        copy.database.write_bytes(content)
        verified = verify(copy)
        found += not verified.fits
        if verified.fits:
            assert results(copy) == truth
    assert found


def test_no_truncated_database_is_accepted(copy: RunPaths) -> None:
    good = copy.database.read_bytes()
    for size in (0, 1, 99, 100, 4096, len(good) // 3, len(good) // 2, len(good) - 4096, len(good) - 1):
        copy.database.write_bytes(good[:size])
        assert not verify(copy).fits, size
