"""What is read of a script: lines, dictionaries, files; and when an epoch is over."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from staycourse.task.command.epochs import Epochs
from staycourse.task.command.event_files import DEFAULT, EventFiles
from staycourse.task.command.files import CsvFile, JsonFile, Pattern
from staycourse.task.command.json_lines import JsonLines
from staycourse.task.command.lines import Lines
from staycourse.task.command.patterns import Patterns
from staycourse.task.command.record import Record


def texts(*parts: bytes) -> list[str]:
    lines = Lines()
    found = [line.text for part in parts for line in lines.feed(part)]
    return found + [line.text for line in lines.feed(b"", is_last=True)]


def test_output_is_split_at_newlines_and_carriage_returns() -> None:
    assert texts(b"a\nb\r\nc\rd\n", b"\r 50%|##\r100%|####\n", b"end") == [
        "a",
        "b",
        "c",
        "d",
        " 50%|##",
        "100%|####",
        "end",
    ]


def test_letters_and_line_ends_may_be_torn_apart() -> None:
    assert texts("ü".encode()[:1], "ü".encode()[1:] + b"\r", b"\nx\n") == ["ü", "x"]


def test_what_is_no_text_does_no_harm() -> None:
    assert texts(b"\xff\xfe\n") == ["��"] and len(texts(b"x" * 3_000_000)[0]) <= 1 << 20


def test_expressions_read_as_float_does() -> None:
    read = Patterns({"epoch": r"epoch\s+(\d+)", "val_loss": r"loss\s+(\S+)"}).read
    assert read("| end of epoch   3 | valid loss  1e-5 |") == Record({"val_loss": 1e-5}, 3.0)
    assert read("Average loss 0.0600, Accuracy") == Record({"val_loss": 0.06})
    nan = read("loss nan")
    assert nan is not None and math.isnan(nan.values["val_loss"])
    assert read("loss what") is None and read("nothing") is None
    assert read("\x1b[31mepoch 4\x1b[0m loss 2 loss 3") == Record({"val_loss": 3.0}, 4.0)


@pytest.mark.parametrize(
    ("line", "record"),
    [
        ('{"epoch": 2, "eval_loss": 0.5, "name": "x"}', Record({"val_loss": 0.5}, 2.0)),
        ("{'eval_loss': 0.5, 'epoch': 1.0}", Record({"val_loss": 0.5}, 1.0, counts_done=True)),
        ("{'eval_loss': '0.5', 'epoch': '1'}", Record({"val_loss": 0.5}, 1.0, counts_done=True)),
        (
            " 50%|##  | 1/2 [00:01<00:01]{'eval_loss': 0.5, 'epoch': 1.0}",
            Record({"val_loss": 0.5}, 1.0, None, True),
        ),
        ("no { object", None),
        ("{__import__('os').system('x')}", None),
        ("{" * 5000, None),
    ],
)
def test_objects_in_lines(line: str, record: Record | None) -> None:
    assert JsonLines({"val_loss": "eval_loss", "epoch": "epoch"}).read(line) == record


def test_every_number_may_be_taken_and_inner_ones_by_their_path() -> None:
    assert JsonLines().read('{"loss": 1, "ok": true, "at": {"x": 2}}') == Record({"loss": 1.0})
    assert JsonLines({"x": "at.x"}).read('{"loss": 1, "at": {"x": 2}}') == Record({"x": 2.0})


def test_a_csv_file_is_read_on_as_it_is_written_anew(tmp_path: Path) -> None:
    file = CsvFile(
        Pattern(tmp_path, "**/metrics.csv"), {"epoch": "epoch", "val_loss": "val_loss", "loss": "train"}
    )
    assert list(file.poll()) == []
    path = tmp_path / "logs" / "version_0" / "metrics.csv"
    path.parent.mkdir(parents=True)
    path.write_text("epoch,step,train\n0,9,2.5\n0,1")
    assert list(file.poll()) == [Record({"loss": 2.5}, 0.0)]
    path.write_text("epoch,step,train,val_loss\n0,9,2.5,\n0,19,,1.5\n1,29,2.0,\n")
    assert list(file.poll()) == [Record({"val_loss": 1.5}, 0.0), Record({"loss": 2.0}, 1.0)]
    assert list(file.poll()) == []


def test_a_json_file_is_read_on_line_by_line(tmp_path: Path) -> None:
    file, path = JsonFile(Pattern(tmp_path, "m.jsonl")), tmp_path / "m.jsonl"
    assert list(file.poll()) == []
    path.write_text('{"epoch": 1, "val_loss": 2}\n{"epoch": 2, "val')
    assert list(file.poll()) == [Record({"val_loss": 2.0}, 1.0)]
    with path.open("a") as more:
        more.write('_loss": 1}\nnot json\n')
    assert list(file.poll()) == [Record({"val_loss": 1.0}, 2.0)]


def over(epochs: Epochs, *records: Record) -> list[tuple[int, int, dict[str, float]]]:
    found = [each for record in records for each in epochs.take(record)]
    return [(each.number, each.step, dict(each.values)) for each in found]


def val(value: float, epoch: float | None = None, step: int | None = None) -> Record:
    return Record({"val_loss": value}, epoch, step)


def train(value: float, epoch: float | None = None, step: int | None = None) -> Record:
    return Record({"train_loss": value}, epoch, step)


def test_an_epoch_is_over_when_what_is_watched_has_come() -> None:
    epochs = Epochs(("val_loss",))
    assert over(epochs, train(3, 1), train(2, 1), val(1)) == [(1, 1, {"train_loss": 2, "val_loss": 1})]
    assert over(epochs, val(0.5, 2)) == [(2, 2, {"val_loss": 0.5})]


def test_what_is_watched_may_be_two_metrics() -> None:
    epochs = Epochs(("val_loss", "val_acc"))
    assert over(epochs, val(1, 1)) == []
    assert over(epochs, Record({"val_acc": 0.5}, 1)) == [(1, 1, {"val_loss": 1, "val_acc": 0.5})]


def test_epochs_from_0_are_counted_from_1_but_not_those_that_are_done() -> None:
    assert [n for n, _, _ in over(Epochs(("val_loss",)), val(1, 0), val(1, 1))] == [1, 2]
    done = [Record({"val_loss": 1.0}, epoch, None, True) for epoch in (0.0, 1.0, 2.0)]
    assert [n for n, _, _ in over(Epochs(("val_loss",)), *done)] == [1, 2]


def test_fractions_belong_to_the_epoch_that_they_are_of() -> None:
    epochs = Epochs(("val_loss",))
    assert over(epochs, val(3, 0.4), val(2, 0.8)) == []
    assert over(epochs, val(1, 1.0)) == [(1, 1, {"val_loss": 1})]
    assert over(epochs, val(0.9, 1.5), val(0.8, 2.5)) == [(2, 2, {"val_loss": 0.9})]


def test_without_epochs_each_time_is_one() -> None:
    epochs = Epochs(("val_loss",), has_epochs=False)
    assert [n for n, _, _ in over(epochs, train(3), val(2), train(2), val(1))] == [1, 2]


def test_without_validation_the_next_epoch_ends_the_one_before() -> None:
    epochs = Epochs(("val_loss",))
    assert over(epochs, train(3, 1), train(2, 1), train(1, 2)) == [(1, 1, {"train_loss": 2})]
    assert [each.number for each in epochs.finish()] == [2]


def test_values_before_the_first_epoch_belong_to_none() -> None:
    assert over(Epochs(("val_loss",)), val(9), val(1, 1)) == [(1, 1, {"val_loss": 1})]


def test_what_is_told_twice_stands_and_what_comes_late_is_a_row() -> None:
    epochs = Epochs(("val_loss",))
    over(epochs, val(1, 1))
    assert over(epochs, val(7, 1), train(2, 1)) == [] and epochs.rows == [("train_loss", 1, 1, 2)]


def test_steps_that_begin_anew_are_counted_on() -> None:
    epochs = Epochs(("val_loss",))
    said = over(
        epochs, train(3, 1, 100), train(2, 1, 200), val(1), train(2, 2, 100), train(1, 2, 200), val(0.5)
    )
    assert [step for _, step, _ in said] == [200, 400]
    assert [(name, step) for name, step, _, _ in epochs.rows] == [
        ("train_loss_step", step) for step in (100, 200, 300, 400)
    ]


def test_a_script_that_was_started_again_says_where_it_goes_on() -> None:
    first = Epochs(("val_loss",))
    over(first, *(val(1 / n, n, 100 * n) for n in (1, 2, 3)))
    again = Epochs(("val_loss",))
    again.restore(first.state())
    assert over(again, val(0.9), val(0.5, 3, 300)) == [(3, 300, {"val_loss": 0.5})]
    assert over(again, val(0.25, 4, 400)) == [(4, 400, {"val_loss": 0.25})]


def test_event_files_are_read_on_and_values_wait_for_their_epoch(tmp_path: Path) -> None:
    writer = pytest.importorskip("tensorboard.summary.writer.event_file_writer")
    protos = pytest.importorskip("tensorboard.compat.proto.event_pb2")
    summaries = pytest.importorskip("tensorboard.compat.proto.summary_pb2")

    def write(step: int, **values: float) -> None:
        told = [summaries.Summary.Value(tag=tag, simple_value=value) for tag, value in values.items()]
        events.add_event(protos.Event(step=step, summary=summaries.Summary(value=told)))
        events.flush()

    events = writer.EventFileWriter(str(tmp_path / "logs"))
    by_step = EventFiles(Pattern(tmp_path, DEFAULT), {"val_loss": "loss"})
    by_tag = EventFiles(Pattern(tmp_path, "logs"), {"val_loss": "loss", "epoch": "epoch"})
    write(0, loss=2.0, other=9.0)
    assert list(by_step.poll()) == [Record({"val_loss": 2.0}, 0.0)]
    assert list(by_tag.poll()) == []
    write(0, epoch=0.0)
    write(40, loss=1.0, epoch=1.0)
    assert list(by_tag.poll()) == [Record({"val_loss": 2.0}, 0.0, 0), Record({"val_loss": 1.0}, 1.0, 40)]
    assert list(by_step.poll()) == [Record({"val_loss": 1.0}, 40.0)]
    events.close()


def test_a_pattern_enters_no_linked_folder_and_takes_no_value_for_a_pattern(tmp_path: Path) -> None:
    trial = tmp_path / "a[1]*" / "t1"
    (trial / "work").mkdir(parents=True)
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "metrics.csv").write_text("")
    (trial / "work" / "data").symlink_to(tmp_path / "data")
    (trial / "work" / "metrics.csv").write_text("")
    values = {"trial_dir": str(trial)}
    for template in ("{trial_dir}/**/metrics.csv", "**/metrics.csv", "{trial_dir}/work/metrics.csv"):
        assert Pattern(trial / "work", template, values).paths() == [trial / "work" / "metrics.csv"]
    assert Pattern(trial / "work", "../none", values).paths() == []
