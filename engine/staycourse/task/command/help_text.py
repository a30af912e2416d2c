"""Arguments as a program's `--help` tells of them, for one whose parser cannot be looked into."""

from __future__ import annotations

import re
from collections.abc import Iterator

from staycourse.task.command.script_arguments import Argument

# `  -b, --batch-size N   input batch size (default: 64)`, as argparse and click lay it out.
_OPTION = re.compile(r"^\s{1,8}((?:-{1,2}[\w-]+(?:[ =][^\s,]+)?(?:,? +|$))+)(.*)$")
_NAME = re.compile(r"(?<!\S)(-{1,2}[A-Za-z][\w-]*)(?:[ =](\{[^}]*\}|\[[^\]]*\]|[A-Za-z_<][\w.<>|]*))?")
_DEFAULT = re.compile(r"[(\[]default:?\s*=?\s*([^)\]]+)[)\]]", re.IGNORECASE)
_KINDS = {"INTEGER": "int", "INT": "int", "FLOAT": "float"}


def help_arguments(text: str) -> list[Argument]:
    """What can be made out of the text; an argument's line is its place in it."""
    return list(_found(text.splitlines()))


def _found(lines: list[str]) -> Iterator[Argument]:
    for at, line in enumerate(lines, start=1):
        match = _OPTION.match(line)
        if match is None:
            continue
        named = _NAME.findall(match[1])
        names = tuple(name for name, _ in named)
        if not names or "--help" in names:
            continue
        following = match[2] or (
            lines[at].strip() if at < len(lines) and lines[at].startswith(" " * 9) else ""
        )
        yield _argument(names, next((value for _, value in named if value), ""), following, at)


def _argument(names: tuple[str, ...], value: str, help_: str, line: int) -> Argument:
    choices = tuple(re.split(r"[,|]", value.strip("{}[]"))) if value[:1] in ("{", "[") else ()
    told = _DEFAULT.search(help_)
    default = _value(told[1].strip()) if told else None
    return Argument(
        names=names,
        line=line,
        type=_KINDS.get(value.upper()) or (type(default).__name__ if default is not None else None),
        default=default,
        has_default=told is not None,
        choices=choices,
        action=None if value else "store_true",
        help=_DEFAULT.sub("", help_).strip(),
    )


def _value(text: str) -> object:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return {"True": True, "False": False}.get(text, text)
