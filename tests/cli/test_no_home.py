"""A user id without a home folder or a name, as a container may have it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from tests.support.run_folder import sealed_run
from tests.support.tiny import Place, write_roadmap

NAMELESS = ("unshare", "--user", "--map-user=12345", "--map-group=12345")
UNSET = ("HOME", "XDG_STATE_HOME", "XDG_CONFIG_HOME", "USER", "LOGNAME", "LNAME", "USERNAME")


@pytest.fixture(autouse=True)
def nameless() -> None:
    tried = subprocess.run([*NAMELESS, "true"], capture_output=True, text=True, check=False)
    if tried.returncode:
        pytest.skip(f"no user namespaces here: {tried.stderr.strip()}")


def run(place: Place, *words: str | Path) -> subprocess.CompletedProcess[str]:
    unset = [word for name in UNSET for word in ("-u", name)]
    return subprocess.run(
        [*NAMELESS, "env", *unset, *place.command(*words)],
        cwd=place.folder,
        env=place.environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_runs_are_found_where_they_lie(place: Place) -> None:
    sealed_run(place.runs / "small-1")[1].close(final=True)
    done = run(place, "runs")
    assert done.returncode == 0 and not done.stderr
    assert "small-1  suspended" in done.stdout
    refused = run(place, "runs", "--runs", "~/mine")
    assert refused.returncode == 2 and refused.stderr.startswith("~/mine: there is no such home folder")


def test_the_service_is_refused_in_one_message(place: Place) -> None:
    (place.folder / "bin").mkdir()
    for name in ("systemctl", "loginctl"):
        command = place.folder / "bin" / name
        command.write_text("#!/bin/sh\n")
        command.chmod(0o755)
    place.more = {"PATH": f"{place.folder / 'bin'}:/usr/bin:/bin"}
    done = run(place, "resume", "--install-service")
    assert done.returncode == 2 and len(done.stderr.splitlines()) == 1
    assert "home folder" in done.stderr


def test_a_nameless_user_has_a_service_where_there_is_a_place_for_it(place: Place) -> None:
    test = (
        "import os; from staycourse.cli.service import _user; assert _user() == '12345' == str(os.getuid())"
    )
    unset = [word for name in UNSET for word in ("-u", name)]
    command = [*NAMELESS, "env", *unset, place.command()[0], "-c", test]
    subprocess.run(command, env=place.environment, check=True)


def test_a_campaign_runs(place: Place) -> None:
    space = {"lr": {"log": [1e-3, 1e-1]}, "batch_size": 8, "optimizer": "sgd", "momentum": 0.9}
    phases = [{"kind": "probe", "trials": 1, "epochs": 1}]
    done = run(place, "run", write_roadmap(place.folder, space=space, phases=phases), "--no-ui")
    assert done.returncode == 0, done.stdout + done.stderr
    assert not done.stderr and place.kinds()[-1] == "run finished"
