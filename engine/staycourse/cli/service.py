"""`resume --install-service`: a systemd user unit that resumes unfinished runs at boot."""

from __future__ import annotations

import getpass
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

from staycourse.cli.output import say
from staycourse.core.problems import UserError
from staycourse.record.files import write_atomically
from staycourse.record.paths import runs_folder, state_folder

UNIT = "staycourse-resume.service"
_OURS = "# Written by `staycourse resume --install-service`; written again by the next one."
_COMMAND = ("-P", "-m", "staycourse.cli.main", "resume", "--all")
_LINGERING = Path("/var/lib/systemd/linger")
_WITHIN = 30.0
_INSTALLED, _NOT_INSTALLED = 0, 2


def install(runs: str | None = None) -> int:
    """Write and enable the unit and say what was done; 0 if it is enabled, 2 if there is no systemd to do it.

    `runs` is the option of that name. Raises UserError if a file of somebody else's is in the way, or
    systemd refuses.
    """
    if why := _no_systemd():
        say(f"not installed: {why}")
        _say_crontab(runs, "without it, this line in your crontab (`crontab -e`) resumes them at boot")
        return _NOT_INSTALLED
    path = unit_path()
    before = _ours_so_far(path)
    _write(path, unit_text(runs))
    try:
        for words in (("daemon-reload",), ("enable", UNIT)):
            _must(words)
    except UserError:
        _put_back(path, before)
        raise
    say(f"wrote {path}")
    say(f"enabled it (systemctl --user enable {UNIT}): at boot it runs `staycourse resume --all`")
    _say_linger(runs)
    return _INSTALLED


def unit_path() -> Path:
    """Where the user's own units lie."""
    base = os.environ.get("XDG_CONFIG_HOME") or "~/.config"
    try:
        return Path(base).expanduser().resolve() / "systemd" / "user" / UNIT
    except RuntimeError:
        raise UserError("this user has no home folder: set HOME; nothing was installed") from None


def unit_text(runs: str | None) -> str:
    """The unit. Its engines stay in its control group, so that a shutdown sends each of them SIGTERM: they
    checkpoint and leave, and are given the time for that."""
    environment = "".join(f"Environment={_quoted(f'{k}={v}')}\n" for k, v in _environment(runs).items())
    command = " ".join(_quoted(word) for word in (sys.executable, *_COMMAND))
    return (
        f"{_OURS}\n"
        "[Unit]\n"
        "Description=Resume unfinished staycourse runs\n"
        "\n"
        "[Service]\n"
        "Type=oneshot\n"
        "RemainAfterExit=yes\n"
        f"{environment}"
        f"ExecStart={command}\n"
        "TimeoutStartSec=infinity\n"
        "TimeoutStopSec=120\n"
        "KillMode=control-group\n"
        "\n"
        "[Install]\n"
        "WantedBy=default.target\n"
    )


def crontab_line(runs: str | None) -> str:
    """The same for cron, in which a % ends the command."""
    words = [f"{key}={shlex.quote(value)}" for key, value in _environment(runs).items()]
    words += [shlex.quote(sys.executable), *_COMMAND]
    log = shlex.quote(str(state_folder().resolve() / "resume.log"))
    return f"@reboot {' '.join(words)} >>{log} 2>&1".replace("%", r"\%")


def _environment(runs: str | None) -> dict[str, str]:
    """Where the runs and their list are, if not where a login finds them."""
    found = {}
    if runs or os.environ.get("STAYCOURSE_RUNS"):
        found["STAYCOURSE_RUNS"] = str(runs_folder(runs))
    if os.environ.get("XDG_STATE_HOME"):
        found["XDG_STATE_HOME"] = str(state_folder().resolve().parent)
    return found


def _quoted(word: str) -> str:
    """A word of a unit file: quoted, and % is no specifier. See systemd.syntax(7)."""
    if any(ord(character) < 32 for character in word):
        raise UserError(f"{word!r} cannot stand in a unit file: it holds a control character")
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    return f'"{escaped}"'


def _no_systemd() -> str:
    """Why there is no systemd of this user's; empty if there is."""
    if shutil.which("systemctl") is None:
        return "there is no systemd on this machine (no systemctl)"
    asked = _systemctl("show-environment")
    if asked.returncode == 0:
        return ""
    why = (asked.stderr.strip() or "no reason given").splitlines()[0]
    return (
        f"no systemd user manager answers here ({why}); a container has none, and after su or sudo only a "
        "login of its own (ssh, console) reaches it"
    )


def _systemctl(*words: str) -> subprocess.CompletedProcess[str]:
    return _told("systemctl", "--user", *words)


def _told(*command: str) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=_WITHIN, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return subprocess.CompletedProcess(command, 1, "", str(error))


def _must(words: tuple[str, ...]) -> None:
    done = _systemctl(*words)
    if done.returncode:
        why = done.stderr.strip() or f"exit code {done.returncode}"
        raise UserError(f"systemctl --user {' '.join(words)} failed: {why}; nothing was installed")


def _ours_so_far(path: Path) -> str | None:
    """The unit that stands there, None if there is none. Raises UserError if it is not ours to replace."""
    if not os.path.lexists(path):
        return None
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise _unwritable(path, error) from None
    if path.is_symlink() or not text.startswith(_OURS):
        raise UserError(f"{path} was not written by staycourse; move it away, then install again")
    return text


def _write(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, text)
    except OSError as error:
        raise _unwritable(path, error) from None


def _put_back(path: Path, before: str | None) -> None:
    if before is None:
        path.unlink(missing_ok=True)
    else:
        _write(path, before)


def _unwritable(path: Path, error: OSError) -> UserError:
    return UserError(f"{path} cannot be written ({error.strerror or error}); nothing was installed")


def _say_linger(runs: str | None) -> None:
    user = _user()
    if _lingers(user):
        say(f"user units of {user} start at boot here (linger is on): nothing else is to be done")
        return
    say(f"on this machine user units of {user} start at the first login, not at boot (linger is off)")
    say(f"an administrator changes that: sudo loginctl enable-linger {shlex.quote(user)}")
    _say_crontab(runs, "or, without one, this line in your crontab (`crontab -e`)")


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a user id without an entry, in Python up to 3.12 and from 3.13 on
        return str(os.getuid())


def _lingers(user: str) -> bool:
    """loginctl knows only users who are logged in or linger; the folder below is where it keeps that."""
    asked = _told("loginctl", "show-user", user, "-p", "Linger")
    if asked.returncode == 0 and asked.stdout.strip().startswith("Linger="):
        return asked.stdout.strip() == "Linger=yes"
    return (_LINGERING / user).exists()


def _say_crontab(runs: str | None, words: str) -> None:
    say(f"{words}:\n{crontab_line(runs)}")
