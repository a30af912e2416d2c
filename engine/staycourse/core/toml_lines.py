"""Lines of the keys and list items of a TOML text, for messages (tomllib keeps none)."""

from __future__ import annotations

import re
import tomllib

from staycourse.core.problems import KeyPath, Problem

_STRING = re.compile(
    r'"""(?:[^\\]|\\.)*?"{3,5}'
    r"|'''.*?'{3,5}"
    r'|"(?:[^"\\\n]|\\.)*"'
    r"|'[^'\n]*'",
    re.DOTALL,
)
_BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_SPACE = re.compile(r"[ \t]*")
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_PLAIN = re.compile(r"[^,\]}#\r\n]*")


def key_lines(text: str) -> dict[KeyPath, int]:
    """Line (from 1) of every table, key and list item, by key path; the text must be valid TOML."""
    return _Scanner(text).scan()


def line_of(path: KeyPath, lines: dict[KeyPath, int]) -> int | None:
    """Line of the longest part of the path that has one."""
    for length in range(len(path), 0, -1):
        if path[:length] in lines:
            return lines[path[:length]]
    return None


class _Scanner:
    """Reads just enough of TOML to know where things stand."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._line, self._counted = 1, 0
        self._lines: dict[KeyPath, int] = {}
        self._counts: dict[KeyPath, int] = {}

    def scan(self) -> dict[KeyPath, int]:
        table: KeyPath = ()
        while self._skip(_BLANK) and self._at < len(self._text):
            if self._peek("["):
                table = self._header()
            else:
                self._pair(table)
        return self._lines

    def _header(self) -> KeyPath:
        is_array = self._text.startswith("[[", self._at)
        start = self._at
        self._at += 1 + is_array
        path: KeyPath = ()
        parts = self._key()
        for position, part in enumerate(parts, start=1):
            path += (part,)
            self._mark(path, start)
            if is_array and position == len(parts):
                self._counts[path] = self._counts.get(path, -1) + 1
            if path in self._counts:  # the newest table of an array
                path += (self._counts[path],)
                self._mark(path, start)
        self._at += 1 + is_array
        return path

    def _pair(self, table: KeyPath) -> None:
        start, path = self._at, table
        for part in self._key():
            path += (part,)
            self._mark(path, start)
        self._at += 1  # the equals sign
        self._skip(_SPACE)
        self._value(path)

    def _value(self, path: KeyPath) -> None:
        if self._peek("["):
            self._items(path)
        elif self._peek("{"):
            self._inline_table(path)
        elif not self._skip(_STRING):
            self._skip(_PLAIN)

    def _items(self, path: KeyPath) -> None:
        self._at += 1
        index = 0
        while self._skip(_BLANK) and not self._peek("]"):
            self._mark((*path, index))
            self._value((*path, index))
            self._skip_comma()
            index += 1
        self._at += 1

    def _inline_table(self, path: KeyPath) -> None:
        self._at += 1
        while self._skip(_BLANK) and not self._peek("}"):
            self._pair(path)
            self._skip_comma()
        self._at += 1

    def _key(self) -> list[str]:
        """The parts of a dotted key, and what stands before the character after it."""
        parts: list[str] = []
        while True:
            self._skip(_SPACE)
            match = _STRING.match(self._text, self._at) or _BARE_KEY.match(self._text, self._at)
            assert match is not None, "the text is valid TOML"
            self._at = match.end()
            parts.append(match[0][1:-1] if match[0][0] in "\"'" else match[0])
            self._skip(_SPACE)
            if not self._peek("."):
                return parts
            self._at += 1

    def _skip_comma(self) -> None:
        self._skip(_BLANK)
        self._at += self._peek(",")

    def _peek(self, character: str) -> bool:
        return self._text.startswith(character, self._at)

    def _skip(self, pattern: re.Pattern[str]) -> bool:
        match = pattern.match(self._text, self._at)
        if match is None:
            return False
        self._at = match.end()
        return True

    def _mark(self, path: KeyPath, at: int | None = None) -> None:
        """Remember the line of a place; the first one counts, as tables may be named again."""
        at = self._at if at is None else at
        self._line += self._text.count("\n", self._counted, at)
        self._counted = max(at, self._counted)
        self._lines.setdefault(path, self._line)


def not_toml(error: ValueError | RecursionError, text: str) -> Problem:
    """What is wrong with a text that is no TOML, and in which line."""
    if isinstance(error, RecursionError):
        return Problem((), "not TOML that can be read: nested too deeply")
    if not isinstance(error, tomllib.TOMLDecodeError):  # Python's limit on the digits of a number
        return Problem((), "not TOML that can be read: a number of thousands of digits")
    message = str(error)
    found = re.search(r"at line (\d+)", message)
    line = int(found[1]) if found else text.rstrip("\n").count("\n") + 1
    said = re.sub(r"\s*\(at .*\)$", "", message)
    return Problem((), f"not TOML: {said}", "", line)
