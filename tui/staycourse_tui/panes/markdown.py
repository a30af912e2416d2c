"""Markdown as blocks of styled text, whatever it is shown in. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from markdown_it import MarkdownIt
from markdown_it.token import Token

from staycourse_tui.widgets.lines import Line, Span

_TAG = re.compile(r"<[^>]*>")
_ROLES = {"strong_open": "strong", "em_open": "dim"}


@dataclass(frozen=True)
class Heading:
    level: int
    words: Line


@dataclass(frozen=True)
class Paragraph:
    """`first` stands before its first line, as a bullet does; `indent` cells before all others."""

    words: Line
    first: str = ""
    indent: int = 0


@dataclass(frozen=True)
class Code:
    lines: tuple[str, ...]


@dataclass(frozen=True)
class Table:
    """`head` is empty where no column has a name; `right` are the columns of numbers."""

    head: tuple[Line, ...]
    rows: tuple[tuple[Line, ...], ...]
    right: frozenset[int]


Block = Heading | Paragraph | Code | Table


def parse(text: str) -> tuple[Block, ...]:
    """The blocks of a document. Pictures become their captions, of HTML only the text stays."""
    tokens = MarkdownIt("commonmark").enable("table").parse(text)
    return tuple(_blocks(iter(tokens)))


def _blocks(tokens: Iterator[Token]) -> Iterator[Block]:
    lists: list[int] = []  # the next number of each list that is open, 0 for bullets
    first = ""
    level = 0
    for token in tokens:
        if token.type == "heading_open":
            level = int(token.tag[1:])
        elif token.type == "table_open":
            yield _table(tokens)
        elif token.type in ("bullet_list_open", "ordered_list_open"):
            number = int(token.attrs.get("start", 1))
            lists.append(number if token.type == "ordered_list_open" else 0)
        elif token.type in ("bullet_list_close", "ordered_list_close"):
            lists.pop()
        elif token.type == "list_item_open":
            first = f"{lists[-1]}. " if lists[-1] else "• "
            lists[-1] += 1 if lists[-1] else 0
        elif token.type == "inline":
            words = _words(token.children or ())
            indent = 2 * len(lists)
            yield Heading(level, words) if level else Paragraph(words, first.rjust(indent), indent)
            level, first = 0, ""
        elif token.type in ("fence", "code_block"):
            yield Code(tuple(token.content.rstrip("\n").split("\n")))
        elif token.type == "html_block" and (said := _TAG.sub(" ", token.content).strip()):
            yield Paragraph((Span(said, "strong"),))


def _table(tokens: Iterator[Token]) -> Table:
    """The rows up to the table's end."""
    rows: list[list[Line]] = []
    right = set()
    for token in tokens:
        if token.type == "table_close":
            break
        if token.type == "tr_open":
            rows.append([])
        elif token.type in ("th_open", "td_open"):
            if "right" in str(token.attrGet("style")):
                right.add(len(rows[-1]))
        elif token.type == "inline":
            rows[-1].append(_words(token.children or ()))
    head = tuple(rows[0]) if any(rows[0]) else ()
    return Table(head, tuple(map(tuple, rows[1:])), frozenset(right))


def _words(tokens: Sequence[Token]) -> Line:
    """Inline text: what is strong, a code or a picture has a role of its own."""
    spans: list[Span] = []
    roles = [""]
    target = ""
    for token in tokens:
        if token.type in ("text", "softbreak", "hardbreak"):
            spans.append(Span(token.content or " ", roles[-1]))
        elif token.type == "code_inline":
            spans.append(Span(token.content, "code"))
        elif token.type == "image":
            spans.append(Span(f"{token.content} ({token.attrs.get('src', '')})", "dim"))
        elif token.type in _ROLES:
            roles.append(_ROLES[token.type])
        elif token.type in ("strong_close", "em_close"):
            roles.pop()
        elif token.type == "link_open":
            target = str(token.attrs.get("href", ""))
        elif token.type == "link_close":
            spans.append(Span(f" ({target})", "dim"))
    return tuple(spans)
