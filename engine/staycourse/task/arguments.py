"""The task's own argparse arguments, filled from the roadmap's `args` by name.

`build(add_arguments, values)` gives the namespace that the command line would have given, and every
problem at once. Values are taken by destination, not turned into an argument vector: positionals,
lists, negative numbers and text that starts with a dash need no quoting rules that way.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NoReturn

from staycourse.core.problems import Problem, nearest

_BOOLEAN = (
    argparse._StoreTrueAction,
    argparse._StoreFalseAction,
    argparse._StoreConstAction,
    argparse.BooleanOptionalAction,
)
_NO_VALUE = (argparse._HelpAction, argparse._VersionAction)


class _Parser(argparse.ArgumentParser):
    """A parser that neither prints nor ends the process."""

    def error(self, message: str) -> NoReturn:
        raise ValueError(message)

    def exit(self, status: int = 0, message: str | None = None) -> NoReturn:
        raise ValueError(message or "the parser tried to end the process")

    def _print_message(self, message: str, file: Any = None) -> None:
        return


class _Refused(Exception):
    """One argument cannot take its value: what is wrong, and what would be right."""

    def __init__(self, message: str, right: str = "") -> None:
        self.message, self.right = message, right


def build(
    add_arguments: Callable[[argparse.ArgumentParser], object] | None, values: Mapping[str, Any]
) -> tuple[argparse.Namespace, list[Problem]]:
    """The namespace, and the problems, each at `("task", "args", name)`; user exceptions pass.

    A name is an argument's destination; its long flag (`--hidden-size`) and dashes for underscores are
    understood too.
    """
    parser = _Parser(add_help=False, prog="task")
    if add_arguments is not None:
        add_arguments(parser)
    actions = [action for action in parser._actions if not isinstance(action, _NO_VALUE)]
    problems = _declared_badly(actions)
    namespace = _defaults(parser, actions)
    given, unknown = _by_destination(actions, values)
    problems += unknown
    problems += [p for dest, value in given.items() if (p := _set(parser, namespace, actions, dest, value))]
    problems += _missing(parser, actions, given)
    return namespace, problems


def names(add_arguments: Callable[[argparse.ArgumentParser], object] | None) -> list[str]:
    """Destinations of all arguments, in the order of declaration."""
    parser = _Parser(add_help=False)
    if add_arguments is not None:
        add_arguments(parser)
    return list(dict.fromkeys(action.dest for action in parser._actions))


def _problem(name: str, message: str, right: str = "") -> Problem:
    return Problem(("task", "args", name), message, right)


def _declared_badly(actions: Sequence[argparse.Action]) -> list[Problem]:
    problems = []
    for action in actions:
        if isinstance(action, argparse._SubParsersAction):
            problems.append(
                _problem(action.dest, "subcommands cannot be set from a roadmap", "plain arguments")
            )
        elif action.type is bool and not isinstance(action, _BOOLEAN):
            problems.append(
                _problem(
                    action.dest,
                    "an argument of type=bool: every text that is not empty is true, 'False' too",
                    "type=int, default=0, or action=argparse.BooleanOptionalAction",
                )
            )
    return problems


def _defaults(parser: argparse.ArgumentParser, actions: Sequence[argparse.Action]) -> argparse.Namespace:
    """Declared defaults; as argparse does, text goes through the argument's type."""
    namespace = argparse.Namespace()
    for action in actions:
        if action.dest is argparse.SUPPRESS or action.default is argparse.SUPPRESS:
            continue
        if hasattr(namespace, action.dest):
            continue
        default = action.default
        if isinstance(default, str) and callable(action.type) and action.type is not bool:
            default = action.type(default)
        setattr(namespace, action.dest, default)
    for dest, value in parser._defaults.items():
        if not hasattr(namespace, dest):
            setattr(namespace, dest, value)
    return namespace


def _by_destination(
    actions: Sequence[argparse.Action], values: Mapping[str, Any]
) -> tuple[dict[str, Any], list[Problem]]:
    spellings = {flag.lstrip("-"): a.dest for a in actions for flag in a.option_strings if flag[:2] == "--"}
    spellings |= {a.dest: a.dest for a in actions}
    given, problems = {}, []
    for name, value in values.items():
        dest = spellings.get(name) or spellings.get(name.replace("-", "_"))
        if dest is None:
            known = nearest(name, {a.dest for a in actions}) or "the task declares no arguments"
            problems.append(_problem(name, "the task has no such argument", known))
        else:
            given[dest] = value
    return given, problems


def _set(
    parser: argparse.ArgumentParser,
    namespace: argparse.Namespace,
    actions: Sequence[argparse.Action],
    dest: str,
    value: Any,
) -> Problem | None:
    candidates = [action for action in actions if action.dest == dest]
    if any(action.type is bool and not isinstance(action, _BOOLEAN) for action in candidates):
        return None  # refused already
    try:
        _assign(parser, namespace, _fitting(candidates, value), value)
    except _Refused as refusal:
        return _problem(dest, refusal.message, refusal.right)
    return None


def _fitting(candidates: Sequence[argparse.Action], value: Any) -> argparse.Action:
    """Of several arguments with one destination (`--on`, `--off`), one that can give the value."""
    for action in candidates:
        if isinstance(action, argparse._StoreConstAction) and action.const == value:
            return action
    return candidates[0]


def _assign(
    parser: argparse.ArgumentParser, namespace: argparse.Namespace, action: argparse.Action, value: Any
) -> None:
    if isinstance(action, _BOOLEAN):
        _assign_constant(namespace, action, value)
    elif isinstance(action, argparse._CountAction):
        if type(value) is not int:
            raise _Refused(f"counts how often it is given, and {value!r} is no count", "a whole number")
        setattr(namespace, action.dest, value)
    elif isinstance(action, argparse._AppendAction):  # _ExtendAction too
        _assign_each(namespace, action, value)
    else:
        converted = _by_nargs(action, value)
        _check_exclusive_type(action)
        if isinstance(action, argparse._StoreAction):
            setattr(namespace, action.dest, converted)
        else:
            action(parser, namespace, converted, action.option_strings[0] if action.option_strings else None)


def _check_exclusive_type(action: argparse.Action) -> None:
    if action.nargs == argparse.PARSER:
        raise _Refused("subcommands cannot be set from a roadmap", "plain arguments")


def _assign_constant(namespace: argparse.Namespace, action: argparse.Action, value: Any) -> None:
    """For a flag, the value is what its destination shall hold; `true` gives a constant flag its constant."""
    const = getattr(action, "const", None)
    is_switch = isinstance(action, argparse.BooleanOptionalAction) or isinstance(const, bool)
    if is_switch and isinstance(value, bool):
        setattr(namespace, action.dest, value)
    elif not is_switch and (value is True or value == const):
        setattr(namespace, action.dest, const)
    elif not (value is False and not is_switch):
        raise _Refused(f"is a flag, and {value!r} is neither true nor false", "true or false")


def _assign_each(namespace: argparse.Namespace, action: argparse.Action, value: Any) -> None:
    if not isinstance(value, list):
        raise _Refused(f"takes a list, not {value!r}", f"[{value!r}]")
    flat = isinstance(action, argparse._ExtendAction) or action.nargs is None
    items = [_convert(action, v) for v in value] if flat else [_by_nargs(action, v) for v in value]
    setattr(namespace, action.dest, items)


def _by_nargs(action: argparse.Action, value: Any) -> Any:
    nargs = action.nargs
    if nargs is None or nargs == argparse.OPTIONAL:
        if isinstance(value, (list, dict)):
            raise _Refused(f"takes one value, not {value!r}", "a plain value")
        return _convert(action, value)
    if not isinstance(value, list):
        raise _Refused(f"takes a list, not {value!r}", f"[{value!r}]")
    if isinstance(nargs, int) and len(value) != nargs:
        raise _Refused(f"takes {nargs} values, not {len(value)}", f"a list of {nargs}")
    if nargs == argparse.ONE_OR_MORE and not value:
        raise _Refused("takes at least one value", "a list that is not empty")
    return [_convert(action, item) for item in value]


def _convert(action: argparse.Action, value: Any) -> Any:
    """The value as the command line would have given it: as text, through the argument's type."""
    if isinstance(value, (list, dict)):
        raise _Refused(f"takes plain values, not {value!r}", "text, a number, true or false")
    kind = action.type
    if action.choices is not None and value in action.choices:
        return value
    converted = _through_type(kind, value) if callable(kind) else _text(value)
    if action.choices is not None and converted not in action.choices:
        options = ", ".join(str(choice) for choice in action.choices)
        raise _Refused(f"{value!r} is none of its choices", f"one of: {options}")
    return converted


def _through_type(kind: Callable[[str], Any], value: Any) -> Any:
    if kind is float and isinstance(value, (int, float)) and not isinstance(value, bool):
        return float(value)
    if kind is int and isinstance(value, (int, bool)):
        return int(value)
    name = getattr(kind, "__name__", str(kind))
    try:
        return kind(_text(value))
    except argparse.ArgumentTypeError as error:
        raise _Refused(f"{value!r}: {error}", f"a value of type {name}") from error
    except Exception as error:
        raise _Refused(f"{value!r} is no valid value", f"a value of type {name}") from error


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _missing(
    parser: argparse.ArgumentParser, actions: Sequence[argparse.Action], given: Mapping[str, Any]
) -> list[Problem]:
    problems = []
    for action in actions:
        optional = action.nargs in (argparse.OPTIONAL, argparse.ZERO_OR_MORE)
        needed = action.required and not (optional and not action.option_strings)
        if needed and action.dest not in given:
            right = f"[task] args = {{ {action.dest} = … }}"
            problems.append(_problem(action.dest, "the task requires this argument", right))
    for group in parser._mutually_exclusive_groups:
        problems += _exclusive(group, given)
    return problems


def _exclusive(group: argparse._MutuallyExclusiveGroup, given: Mapping[str, Any]) -> list[Problem]:
    members = list(dict.fromkeys(action.dest for action in group._group_actions))
    chosen = [dest for dest in members if dest in given]
    if len(chosen) > 1:
        return [_problem(chosen[1], f"cannot be given together with {chosen[0]}", "one of the two")]
    if group.required and not chosen:
        return [_problem(members[0], "one of several arguments is required", "one of: " + ", ".join(members))]
    return []
