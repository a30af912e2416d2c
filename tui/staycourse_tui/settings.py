"""What the user has chosen in the app, kept in a small TOML file. Nothing here raises: a choice that cannot
be read or kept costs the choice and not the view."""

from __future__ import annotations

import contextlib
import json
import os
import threading
import tomllib
from dataclasses import dataclass
from pathlib import Path

_SAVING = threading.Lock()


@dataclass(frozen=True)
class Settings:
    """`theme` is the name of a colour theme, None where none was chosen; `notify` whether the terminal is
    to tell of a phase's end."""

    theme: str | None = None
    notify: bool = True


def load() -> Settings:
    """The settings; the defaults for what is missing, or is not what it should be."""
    values: dict[str, object] = {}
    with contextlib.suppress(OSError, ValueError, RuntimeError):
        values = tomllib.loads(settings_file().read_text(encoding="utf-8"))
    theme, notify = values.get("theme"), values.get("notify")
    return Settings(
        theme=theme if isinstance(theme, str) else None, notify=notify if isinstance(notify, bool) else True
    )


def save(settings: Settings) -> bool:
    """Keep the settings, all at once or not at all; whether that was possible. It touches the disk."""
    theme = f"theme = {json.dumps(settings.theme)}\n" if settings.theme is not None else ""
    text = f"# Written by staycourse.\n{theme}notify = {json.dumps(settings.notify)}\n"
    try:
        _write(settings_file(), text)
    except (OSError, ValueError, RuntimeError):
        return False
    return True


def _write(path: Path, text: str) -> None:
    with _SAVING:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(path)


def settings_file() -> Path:
    """`app.toml` in the user's configuration folder (XDG). Raises RuntimeError where there is no home."""
    return Path(os.environ.get("XDG_CONFIG_HOME") or "~/.config").expanduser() / "staycourse" / "app.toml"
