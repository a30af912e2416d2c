"""Outside text is harmless in Markdown: read back with a CommonMark parser with tables and HTML."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token
from tests.report.eventful import Eventful

from staycourse.core import events as ev
from staycourse.record.paths import RunPaths
from staycourse.report import markdown, write_report

HOSTILE = [
    "a|b|c",
    "`tick` ``two``",
    "`",
    "<script>alert(1)</script>",
    "<!-- hidden",
    "[text](javascript:alert(1)) ![i](https://evil.example/x.png)",
    "https://evil.example www.evil.example mail@evil.example",
    "**bold** _it_ __x__ ~~gone~~",
    "line\n# heading\n\n- list",
    "```\nfence",
    "&lt; &amp; &#60;script&#62;",
    "$x^2$ \\(y\\) \\",
    "| --- |",
    "1. first",
    "-----",
    "\x1b[2Jescape\u202e",
    "</details></table>",
]
HEADINGS = {
    "Summary", "Phases", "Data", "How it ran", "Hardware", "Throughput", "Training", "Slow-downs",
    "Interruptions", "Exactness", "Notes of the engine", "Appendix: to repeat and to verify",
    "Repeat the run", "Seal and ledger",
    "Environment", "Sealed code", "Roadmap",
}  # fmt: skip
OURS = ("<details>", "</details>", "<summary>", "</summary>", "<span>", "</span>", "<!-- -->")


def parse(text: str) -> list[Token]:
    return MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"]).parse(text)


def every(tokens: list[Token]) -> Iterator[Token]:
    for token in tokens:
        yield token
        yield from every(token.children or [])


def plain(text: str) -> str:
    """What a reader sees of inline Markdown."""
    seen = ""
    for token in every(parse(f"x {text} x")):
        seen += token.content if token.type in ("text", "code_inline", "text_special") else ""
    return seen


@pytest.mark.parametrize("hostile", HOSTILE)
@pytest.mark.parametrize("made", [markdown.escape, markdown.code])
def test_hostile_text_is_only_text(made: object, hostile: str) -> None:
    assert callable(made)
    cell = made(hostile)
    tokens = list(every(parse(markdown.table(["a", "b"], [[cell, "end"]]))))
    assert sum(token.type == "td_open" for token in tokens) == 2
    assert tokens[0].type == "table_open"
    kinds = {"link_open", "image", "em_open", "strong_open", "s_open", "heading_open", "html_block", "hr"}
    assert not [token for token in tokens if token.type in kinds]
    assert all(token.content in OURS for token in tokens if token.type == "html_inline")


@pytest.mark.parametrize("hostile", HOSTILE)
def test_escaped_text_is_read_as_it_was(hostile: str) -> None:
    from staycourse.core.text import one_line

    assert plain(markdown.escape(hostile)).strip("x ") == one_line(hostile).strip("x ")


@pytest.mark.parametrize("hostile", ["```", "a\n```\n# out\n````\n", "~~~"])
def test_a_fence_cannot_be_left(hostile: str) -> None:
    blocks = [token.type for token in parse(markdown.fence(hostile, "toml"))]
    assert blocks == ["fence"]


@pytest.mark.parametrize("hostile", HOSTILE)
def test_hostile_names_and_errors_leave_the_report_whole(run: Path, hostile: str) -> None:
    """Names of set-ups, values, errors, notes, facts and reasons at once."""
    campaign = Eventful(
        run, names=hostile, seal={"facts": {"sample": hostile}, "environment": {hostile: hostile}}
    )
    campaign.start()
    setup = {"lr": 1e-3, "optimizer": hostile, "schedule": "decay"}
    for trial, outcome in (("t1", "completed"), ("t2", "faulty")):
        campaign.store.append(
            ev.TrialPlanned(trial, 0, f"proposal-{trial}", setup, 5, 5, name=hostile),
            ev.TrialStarted(trial, 1, "gpu0", 1, 1.0),
            ev.AttemptFailed(trial, 1, "error", hostile, 3, False),
            ev.TrialEnded(trial, outcome, hostile, hostile, 2, 8, [[1, 0.5], [2, 0.4]], 3.0, 2, 0.4),
        )
    campaign.store.append(ev.Noted("x", hostile), ev.EngineStopped(hostile), ev.RunAbandoned(hostile))
    campaign.store.close(final=True)
    tokens = list(every(parse(write_report(campaign.store.paths).read_text())))
    assert not [token for token in tokens if token.type == "link_open"]
    images = [token.attrs["src"] for token in tokens if token.type == "image"]
    assert images == ["figures/1-probe.svg"]
    html = "".join(token.content for token in tokens if token.type in ("html_block", "html_inline"))
    for tag in OURS:
        html = html.replace(tag, "")
    assert "<" not in html
    assert all(heading.startswith("Phase ") or heading in HEADINGS for heading in headings(tokens))
    for table_width, cells in tables(tokens):
        assert cells % table_width == 0


def headings(tokens: list[Token]) -> list[str]:
    """Words of all headings but the first, which names the run."""
    return [words.content for at, words in enumerate(tokens) if tokens[at - 1].type == "heading_open"][1:]


def tables(tokens: list[Token]) -> Iterator[tuple[int, int]]:
    """(columns, cells of the body) of every table."""
    columns = cells = 0
    for token in tokens:
        if token.type == "table_open":
            columns = cells = 0
        columns += token.type == "th_open"
        cells += token.type == "td_open"
        if token.type == "table_close":
            yield columns, cells


def test_the_markdown_of_a_whole_report_is_well_formed(finished: RunPaths) -> None:
    report = finished.report.read_text()
    tokens = list(every(parse(report)))
    assert report.count("<details>") == report.count("</details>") > 0
    assert all(cells % width == 0 for width, cells in tables(tokens))
    assert sum(token.type == "heading_open" and token.tag == "h1" for token in tokens) == 1


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (0.298, "0.2980"), (1.0, "1.000"), (12345.0, "12,345"), (1e-5, "1.000e-05"), (-0.5, "−0.5000"),
        (0.0, "0.000"), (math.nan, "NaN"), (-math.inf, "−∞"), (None, "–"),
    ],
)  # fmt: skip
def test_numbers_keep_their_significant_digits(value: float | None, words: str) -> None:
    assert markdown.number(value) == words


@pytest.mark.parametrize(
    ("value", "spread", "words"),
    [
        (0.09123, 0.00214, "0.0912 ± 0.0021"), (12.3456, 1.04, "12.3 ± 1.0"), (0.5, None, "0.5000"),
        (0.5, 0.0, "0.5000 ± 0.0"), (-3.14159, 0.02, "−3.142 ± 0.020"),
    ],
)  # fmt: skip
def test_a_value_has_the_digits_of_its_spread(value: float, spread: float | None, words: str) -> None:
    assert markdown.plus_minus(value, spread) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.04, "0.0 s"),
        (4.24, "4.2 s"),
        (59.7, "1 min"),
        (200, "3 min 20 s"),
        (7500, "2 h 05 min"),
        (273600, "3 d 04 h"),
    ],
)
def test_durations_have_two_units_at_most(seconds: float, words: str) -> None:
    assert markdown.duration(seconds) == words
