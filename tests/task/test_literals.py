"""What is written into a task's code is warned of, with its line; where such values belong, it is not."""

from __future__ import annotations

from pathlib import Path

import pytest

from staycourse.task.literals import literals


def found(tmp_path: Path, source: str) -> list[str]:
    path = tmp_path / "task.py"
    path.write_text(source)
    return [f"{each.line}: {each.words}" for each in literals("task.py", path)]


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("torch.optim.AdamW(m.parameters(), lr=1e-3)", "1: the literal learning rate 0.001"),
        ("\nSGD(m.parameters(), 0.1, momentum=0.9)", "2: the literal learning rate 0.1"),
        ("DataLoader(d, batch_size=32)", "1: the literal batch size 32"),
        ("BATCH_SIZE = 64", "1: the literal batch size 64"),
        ("epochs: int = 10", "1: the literal number of epochs 10"),
        ("open('/data/images/train.csv')", "1: the absolute path '/data/images/train.csv'"),
        ("root = '~/data'", "1: the absolute path '~/data'"),
    ],
)
def test_a_literal_is_told_with_its_line(tmp_path: Path, source: str, words: str) -> None:
    assert found(tmp_path, source) == [words]


@pytest.mark.parametrize(
    "source",
    [
        "parser.add_argument('--lr', default=1e-3)\nparser.add_argument('--data', default='/data/x/y')",
        "lr = hp.get('lr', 0.1)\nbatch_size = args.batch_size",
        '"""Reads /data/images/train.csv with lr = 0.1."""\n# lr = 0.1',
        "torch.optim.AdamW(m.parameters(), lr=hp['lr'])\nDataLoader(d, batch_size=hp['batch_size'])",
        "a = '/'\nb = '/x'\nc = 'a/b/c'\nd = '//x/y'\nn = 10\nlrs = [1, 2]",
        "this is no python",
    ],
)
def test_what_is_no_literal_is_left_alone(tmp_path: Path, source: str) -> None:
    assert found(tmp_path, source) == []
