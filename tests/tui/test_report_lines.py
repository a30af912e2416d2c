"""Markdown as lines: columns, wrapping, and what is never let through."""

from __future__ import annotations

import pytest
from tests.support.sample_states import REPORT

from staycourse_tui.panes.markdown import parse
from staycourse_tui.panes.report import report_lines
from staycourse_tui.widgets.lines import Span, line, text, width, wrap_spans

DOCUMENT = """\
# Report

**Won** by `lr` 0.001, see [the site](https://example.org) and ![a figure](figures/a.svg). [/foo] \\[x\\]
<b>bold</b>

## Trials

- one item that is longer than the line
  - one below it
2. second

<details>
<summary>All of them</summary>

| trial | val_loss |
|---|---:|
| t1 | **0.5** |
| t12 | 0.25 |

</details>

|  |  |
|---|---|
| Asked | the lowest `val_loss` over lr and batch size |

```
x = [1]
```
"""


def told(size: int, document: str = DOCUMENT) -> list[str]:
    return [text(made).rstrip() for made in report_lines(parse(document), size)]


def test_a_document_is_laid_out_for_a_width() -> None:
    assert told(32) == [
        "Report",
        "",
        "Won by lr 0.001, see the site",
        "(https://example.org) and a",
        "figure (figures/a.svg). [/foo]",
        "[x] bold",
        "",
        "─ Trials ───────────────────────",
        "",
        "• one item that is longer than",
        "  the line",
        "  • one below it",
        "2. second",
        "",
        "All of them",
        "",
        "trial  val_loss",
        "t1          0.5",
        "t12        0.25",
        "",
        "Asked  the lowest val_loss over",
        "       lr and batch size",
        "",
        "  x = [1]",
    ]


def test_a_table_that_is_too_wide_tells_its_rows() -> None:
    head = "| trial | lr | batch_size | optimizer |\n|---|---:|---:|---|\n"
    table = head + "| t1 | 0.001 | 16 | – |\n| t2 | 0.1 | 8 | sgd |"
    assert told(28, table) == [
        "t1",
        "  lr 0.001  batch_size 16",
        "t2",
        "  lr 0.1  batch_size 8",
        "  optimizer sgd",
    ]
    assert told(60, table)[1] == "t1     0.001          16  –"


@pytest.mark.parametrize("size", range(40, 250, 7))
def test_no_line_of_a_report_is_wider_than_the_window(size: int) -> None:
    lines = report_lines(parse(REPORT), size)
    assert all(width(made) <= size for made in lines)
    assert "0.1038 ± 0.0022" in " ".join(text(made) for made in lines)


def test_styles_stay_where_a_line_is_broken() -> None:
    made = wrap_spans(line(Span("a "), Span("strong word", "strong"), Span(", then")), 8)
    assert [text(one) for one in made] == ["a strong", "word,", "then"]
    assert [span.role for span in made[1]] == ["strong", ""]
    assert [text(one) for one in wrap_spans(line("0123456789"), 4)] == ["0123", "4567", "89"]
    assert wrap_spans((), 4) == []
