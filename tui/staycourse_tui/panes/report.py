"""A report as lines: its Markdown laid out for a width. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from staycourse_tui.panes.markdown import Block, Code, Heading, Paragraph, Table
from staycourse_tui.widgets.lines import Line, Span, fit, flow, line, rule, width, wrap_spans

_GAP = 2  # cells between columns
_PROSE = 110  # cells: a longer line of text is hard to read
_LEAST = 16  # cells that a column of sentences needs


def report_lines(blocks: Sequence[Block], size: int) -> list[Line]:
    """Everything, in lines of at most `size` cells."""
    lines: list[Line] = []
    before: Block | None = None
    for block in blocks:
        if before is not None and not (_is_item(before) and _is_item(block)):
            lines.append(())
        lines += _lines(block, size)
        before = block
    return lines


def _is_item(block: Block) -> bool:
    return isinstance(block, Paragraph) and block.indent > 0


def _lines(block: Block, size: int) -> list[Line]:
    if isinstance(block, Heading):
        return _heading(block, size)
    if isinstance(block, Code):
        return [fit(line(Span("  "), Span(text, "code")), size) for text in block.lines]
    if isinstance(block, Table):
        return _table(block, size)
    wrapped = wrap_spans(block.words, min(size, _PROSE) - block.indent)
    first = Span(block.first.ljust(block.indent), "dim")
    rest = Span(" " * block.indent)
    return [line(first if at == 0 else rest, *made) for at, made in enumerate(wrapped)]


def _heading(heading: Heading, size: int) -> list[Line]:
    role = "accent" if heading.level == 1 else "title"
    words = [Span(span.text, role) for span in heading.words]
    if heading.level == 2 and width(words) + 4 <= size:
        return [rule(words, size)]
    return wrap_spans(words, size)


def _table(table: Table, size: int) -> list[Line]:
    """Columns where they fit, the last one of sentences wrapped; else a paragraph a row."""
    columns = range(max((len(row) for row in table.rows), default=len(table.head)))
    every = [*([table.head] if table.head else []), *table.rows]
    widths = [max((width(row[at]) for row in every if at < len(row)), default=0) for at in columns]
    room = size - _GAP * (len(widths) - 1)
    widest = max(columns, key=lambda at: widths[at], default=0)
    others = sum(widths) - widths[widest] if widths else 0
    if sum(widths) > room:
        if room - others < _LEAST or widest in table.right:
            return _records(table, size)
        widths[widest] = room - others
    lines = [made for row in table.rows for made in _row(row, widths, table.right)]
    if not table.head:
        return lines
    head = [tuple(Span(span.text, "dim") for span in words) for words in table.head]
    return [*_row(head, widths, table.right), *lines]


def _row(row: Sequence[Line], widths: Sequence[int], right: frozenset[int]) -> list[Line]:
    """A row, as high as its highest cell."""
    cells = [wrap_spans(words, widths[at]) or [()] for at, words in enumerate(row)]
    made = []
    for y in range(max(map(len, cells), default=0)):
        spans: list[Span] = []
        for at, cell in enumerate(cells):
            words = cell[y] if y < len(cell) else ()
            blank = Span(" " * (widths[at] - width(words)))
            spans += [*([blank, *words] if at in right else [*words, blank]), Span(" " * _GAP)]
        made.append(tuple(spans[:-1]))
    return made


def _records(table: Table, size: int) -> list[Line]:
    """What each row says, by the names of its columns, on as many lines as that needs."""
    lines: list[Line] = []
    for row in table.rows:
        pairs = [
            (*(Span(span.text + " ", "dim") for span in table.head[at]), *words) if table.head else words
            for at, words in enumerate(row)
            if at > 0 and words and words[0].text != "–"
        ]
        broken = [made for pair in pairs for made in wrap_spans(pair, size - 2)]
        lines += wrap_spans([Span(span.text, "strong") for span in row[0]], size)
        lines += [line(Span("  "), *made) for made in flow(broken, size - 2)]
    return lines
