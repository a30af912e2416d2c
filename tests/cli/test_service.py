"""A reboot is no end: the systemd unit, what is said where there is none, and `resume --all`."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from tests.support.run_folder import sealed_run
from tests.support.tiny import Place, wait_until, write_roadmap

from staycourse.core.events import RunSuspended

USER = "anna"
UNIT = "staycourse-resume.service"
SPACE = {"lr": {"log": [1e-3, 1e-1]}, "batch_size": 8, "optimizer": "sgd", "momentum": 0.9}


class Systemd:
    """Commands of systemd's names that write down how they are called, and answer as they are told to."""

    def __init__(self, place: Place) -> None:
        self.folder, self.calls = place.folder / "bin", place.folder / "calls"
        self.folder.mkdir()
        place.more = {
            "PATH": f"{self.folder}{os.pathsep}/usr/bin{os.pathsep}/bin",
            "XDG_CONFIG_HOME": str(place.folder / "config 100%"),
            "USER": USER,
            "LOGNAME": USER,
        }

    def has(self, name: str, answer: str = "exit 0") -> None:
        command = self.folder / name
        command.write_text(f'#!/bin/sh\necho {name} "$@" >>{self.calls}\n{answer}\n')
        command.chmod(0o755)

    def called(self) -> list[str]:
        return self.calls.read_text().splitlines()


@pytest.fixture
def systemd(place: Place) -> Systemd:
    return Systemd(place)


def unit(place: Place) -> Path:
    return place.folder / "config 100%" / "systemd" / "user" / UNIT


def test_the_unit_is_written_and_enabled(place: Place, systemd: Systemd) -> None:
    systemd.has("systemctl")
    systemd.has("loginctl", "echo Linger=yes")
    done = place.run("resume", "--install-service")
    assert done.returncode == 0, done.stdout + done.stderr
    assert systemd.called()[1:] == [
        "systemctl --user daemon-reload",
        f"systemctl --user enable {UNIT}",
        f"loginctl show-user {USER} -p Linger",
    ]
    assert str(unit(place)) in done.stdout and "linger is on" in done.stdout
    assert "crontab" not in done.stdout
    lines = unit(place).read_text().splitlines()
    assert f'ExecStart="{sys.executable}" "-P" "-m" "staycourse.cli.main" "resume" "--all"' in lines
    assert f'Environment="STAYCOURSE_RUNS={place.runs}"' in lines
    assert {"Type=oneshot", "RemainAfterExit=yes", "WantedBy=default.target"} <= set(lines)
    assert place.run("resume", "--install-service").returncode == 0  # its own it writes again


def test_without_linger_both_ways_are_told(place: Place, systemd: Systemd) -> None:
    systemd.has("systemctl")
    systemd.has("loginctl", "echo Linger=no")
    done = place.run("resume", "--install-service", "--runs", place.folder / "100% 'mine'")
    assert done.returncode == 0
    assert f"sudo loginctl enable-linger {USER}" in done.stdout
    line = next(line for line in done.stdout.splitlines() if line.startswith("@reboot"))
    assert "100\\% " in line and line.count("%") == line.count("\\%")
    assert "resume --all >>" in line


def test_who_is_not_logged_in_is_looked_up_in_systemds_own_folder(place: Place, systemd: Systemd) -> None:
    systemd.has("systemctl")
    systemd.has("loginctl", "echo not known >&2; exit 1")
    done = place.run("resume", "--install-service")
    assert done.returncode == 0
    assert "linger is off" in done.stdout, "nobody of that name lingers on this machine"


def test_no_user_manager_is_told_with_the_way_without(place: Place) -> None:
    """As in a container: systemctl is there, and nobody answers it."""
    if shutil.which("systemctl") is None:
        pytest.skip("no systemctl on this machine")
    bus = {"XDG_RUNTIME_DIR": str(place.folder), "DBUS_SESSION_BUS_ADDRESS": "unix:path=/nowhere"}
    place.more = {"XDG_CONFIG_HOME": str(place.folder / "config"), **bus}
    done = place.run("resume", "--install-service")
    assert done.returncode == 2
    assert "no systemd user manager answers here" in done.stdout and "@reboot" in done.stdout
    assert not (place.folder / "config").exists()


def test_no_systemd_is_told_with_the_way_without(place: Place, systemd: Systemd) -> None:
    place.more = {**place.more, "PATH": str(systemd.folder)}
    done = place.run("resume", "--install-service")
    assert done.returncode == 2
    assert "no systemd on this machine" in done.stdout and "@reboot" in done.stdout
    assert not unit(place).exists()


@pytest.mark.parametrize("kind", ["file", "link"])
def test_somebody_elses_unit_is_left_alone(place: Place, systemd: Systemd, kind: str) -> None:
    systemd.has("systemctl")
    unit(place).parent.mkdir(parents=True)
    if kind == "file":
        unit(place).write_text("[Service]\nExecStart=/mine\n")
    else:
        unit(place).symlink_to("/dev/null")  # how systemd masks a unit
    done = place.run("resume", "--install-service")
    assert done.returncode == 2
    assert str(unit(place)) in done.stderr and "was not written by staycourse" in done.stderr
    assert unit(place).is_symlink() or unit(place).read_text() == "[Service]\nExecStart=/mine\n"
    assert systemd.called() == ["systemctl --user show-environment"]


def test_what_systemd_refuses_is_told_and_leaves_nothing(place: Place, systemd: Systemd) -> None:
    systemd.has("systemctl", 'test "$2" != enable || { echo read-only >&2; exit 1; }')
    done = place.run("resume", "--install-service")
    assert done.returncode == 2
    assert f"systemctl --user enable {UNIT} failed: read-only" in done.stderr
    assert not unit(place).exists()


def test_systemd_itself_accepts_the_unit(place: Place, systemd: Systemd, tmp_path: Path) -> None:
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        pytest.skip("no systemd-analyze on this machine")
    systemd.has("systemctl")
    systemd.has("loginctl", "echo Linger=yes")
    assert place.run("resume", "--install-service", "--runs", tmp_path / 'a "b" \\ 100%').returncode == 0
    shown = subprocess.run(
        [analyze, "--user", "verify", str(unit(place))],
        env={**os.environ, "XDG_RUNTIME_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    if "Failed to initialize manager" in shown.stderr:
        pytest.skip("systemd-analyze does not work on this machine")
    assert shown.returncode == 0 and UNIT not in shown.stderr, shown.stderr


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--all", "tiny-1"), "leave tiny-1 out"),
        (("--install-service", "tiny-1"), "leave tiny-1 out"),
        (("--install-service", "--all"), "one of them"),
        (("--install-service", "--devices", "0"), "takes no devices"),
    ],
)
def test_mixtures_are_refused(place: Place, words: tuple[str, ...], told: str) -> None:
    done = place.run("resume", *words)
    assert done.returncode == 2 and told in done.stderr


def test_no_run_is_no_failure(place: Place) -> None:
    done = place.run("resume", "--all")
    assert done.returncode == 0 and "no run yet" in done.stdout


@pytest.mark.slow
def test_all_resumes_what_a_reboot_has_left_and_nothing_else(place: Place) -> None:
    phases = [{"kind": "probe", "trials": 1, "epochs": 1}]
    path = write_roadmap(place.folder, name="cut", space=SPACE, phases=phases, args={"step_ms": 500})
    with place.started("run", path, "--no-ui", "--cpus", "1") as view:
        wait_until(lambda: "trial started" in place.kinds("cut-1"), 120, "a trial trains")
        os.kill(place.supervisor("cut-1"), signal.SIGTERM)
        assert view.wait(60) == 75
    for name in ("given-up-1", "broken-1", "alive-1"):
        shutil.copytree(place.runs / "cut-1", place.runs / name)
    assert place.run("abandon", "given-up-1", "--reason", "wrong loss").returncode == 0
    (place.runs / "broken-1" / "run.db").write_bytes(b"torn")
    with place.started("resume", "alive-1", "--no-ui"):
        wait_until(lambda: place.kinds("alive-1").count("engine started") == 2, 60, "it goes on")
        os.kill(place.supervisor("alive-1"), signal.SIGSTOP)  # it lives, and does not end meanwhile
        said = resume_all(place)
        assert said["cut-1"].startswith("goes on; ")
        assert said["given-up-1"] == "abandoned already"
        assert said["alive-1"].startswith(f"goes on already (process {place.supervisor('alive-1')})")
        assert said["broken-1"].startswith("cannot be resumed: ")
        assert place.kinds("alive-1").count("engine started") == 2
    wait_until(lambda: "run finished" in place.kinds("cut-1"), 120, "the resumed run ends by itself")
    cpus = "SELECT json_extract(body, '$.options.cpus') FROM ledger WHERE kind = 'engine started'"
    assert place.rows(cpus, "cut-1") == [("1",), ("1",)]  # as it was begun with
    shutil.rmtree(place.runs / "alive-1")
    report = place.runs / "cut-1" / "report.md"
    wait_until(report.exists, 60, "the engine has written the report")
    report.unlink()  # as if the power had gone before it was written
    assert place.run("resume", "--all").returncode == 2, "of those to resume, the broken one, none could be"
    assert report.exists()


def resume_all(place: Place) -> dict[str, str]:
    """What is said of each run."""
    done = place.run("resume", "--all")
    assert done.returncode == 0, done.stdout + done.stderr
    return dict(line.split(": ", 1) for line in done.stdout.splitlines())


def test_what_has_suspended_itself_waits_for_its_user(place: Place) -> None:
    _, store = sealed_run(place.runs / "digits-1")
    store.append(RunSuspended("3 trials failed with the same error: no such file"))
    store.close(final=False)
    said = resume_all(place)["digits-1"]
    assert said.startswith("has suspended itself (3 trials failed with the same error: no such file)")
    assert said.endswith("`staycourse resume digits-1` goes on")
    assert place.kinds("digits-1").count("engine started") == 1
