"""`serve`: who is let in, what a view can do, and that nothing is left behind."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import pytest
from tests.support.sample_run import engine_for, write_run
from tests.support.served import Served, answer, is_alive, raw_view, served, until
from tests.support.tiny import Place

# A name that a shell would take apart, and would obey.
FOLDER = 'it\'s $(touch owned) & "so"'


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = write_run(tmp_path_factory.mktemp("served") / FOLDER / "digits-1", "running")
    with engine_for(folder):
        yield folder


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, run: Path) -> Iterator[Served]:
    with served(Place(tmp_path_factory.mktemp("place")), run) as one:
        yield one


def contents(folder: Path) -> dict[str, str]:
    """Every file of a run but for SQLite's own beside its database."""
    files = [path for path in folder.rglob("*") if path.is_file() and not path.name.startswith("run.db-")]
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


async def test_a_view_shows_the_run_and_its_keys_work_and_q_ends_that_view_only(
    server: Served, run: Path
) -> None:
    before = contents(run)
    async with raw_view(server) as first, raw_view(server) as second:
        await first.shows("digits-1", "queue", "val_loss", "LOCKED")
        await second.shows("digits-1")
        assert len(server.views()) == 2
        await first.type("y")
        await first.shows("linear")
        await first.type("q")
        assert await first.closes() == aiohttp.WSCloseCode.OK
        await until(lambda: len(server.views()) == 1, "the view that was left still runs")
        await second.type("?")
        await second.shows("a view, read-only")
    await until(lambda: not server.views(), "a view outlives its page")
    assert contents(run) == before
    assert not list(Path.cwd().glob("owned")) and not list(run.parents[1].rglob("owned"))


async def test_a_view_takes_the_size_of_its_page_and_survives_a_wrong_one(server: Served) -> None:
    async with raw_view(server) as view:
        await view.shows("digits-1")
        for width, height in ((10**9, -3), (60, 16)):
            await view.socket.send_json(["resize", {"width": width, "height": height}])
        await view.shows("1 Queue  2 Trials")
        await view.socket.send_json(["resize", {"width": "wide"}])
        await view.closes()
    await until(lambda: not server.views(), "a view outlives its page")


async def test_a_screenshot_is_a_download(server: Served) -> None:
    async with raw_view(server) as view:
        await view.shows("digits-1")
        await view.type("\x10")
        await view.shows("Search for commands")
        await view.type("Screenshot")
        await view.shows("Save this screen")
        await view.type("\r")
        await view.until(lambda: view.told)
        kind, key = view.told[0]
        assert kind == "deliver_file_start"
        async with aiohttp.ClientSession() as session, session.get(f"{server.address}download/{key}") as got:
            assert got.status == 200 and got.content_type == "image/svg+xml"
            text = await got.text()
        assert text.startswith("<svg") and text.rstrip().endswith("</svg>") and "digits" in text
    await until(lambda: not server.views(), "a view outlives its page")


async def test_a_view_whose_process_dies_is_closed(server: Served) -> None:
    async with raw_view(server) as view:
        await view.shows("digits-1")
        (process,) = server.views()
        process.kill()
        await view.closes()


async def test_pages_of_other_sites_are_refused(server: Served) -> None:
    own = f"127.0.0.1:{server.port}"
    asked = {
        ("GET / HTTP/1.1", f"Host: {own}"): "200",
        ("GET / HTTP/1.1", "Host: localhost:9000"): "200",  # the far end of a tunnel
        ("GET / HTTP/1.1", f"Host: {own}", f"Origin: http://{own}"): "200",
        ("GET / HTTP/1.1", "Host: rebound.example"): "403",
        ("GET / HTTP/1.1", f"Host: 127.0.0.1.example:{server.port}"): "403",
        ("GET / HTTP/1.1", "Host: [::1"): "403",
        ("GET /ws HTTP/1.1", f"Host: {own}", "Origin: http://evil.example"): "403",
        ("GET /ws HTTP/1.1", "Host: rebound.example", "Origin: http://rebound.example"): "403",
        ("GET /ws HTTP/1.1", f"Host: {own}", "Origin: null"): "403",
    }
    got = {lines: answer(server.port, *lines).split()[1] for lines in asked}
    assert got == asked
    assert not server.views()


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become another user")
def test_other_users_of_the_machine_are_refused(server: Served) -> None:
    code = (
        "import encodings.idna, os, sys; from tests.support.served import answer;"
        "os.setuid(65534); print(answer(int(sys.argv[1]), 'GET / HTTP/1.1', 'Host: localhost'))"
    )
    command = [sys.executable, "-c", code, str(server.port)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=Path(__file__).parents[2])
    assert "403" in done.stdout, done.stderr


async def test_one_view_too_many_is_refused(place: Place, run: Path) -> None:
    """Each view is a process: whoever reaches the port must not be able to fill the machine."""
    with served(place, run, "--views", "1") as server:
        async with raw_view(server):
            with pytest.raises(aiohttp.WSServerHandshakeError, match="503"):
                async with raw_view(server):
                    pass
            assert "503" in answer(server.port, "GET / HTTP/1.1", "Host: localhost")
        await until(lambda: not server.views(), "a view outlives its page")
        await until(
            lambda: "200" in answer(server.port, "GET / HTTP/1.1", "Host: localhost"), "no free place"
        )


async def test_the_server_ends_with_its_views_and_says_so(place: Place, run: Path) -> None:
    with served(place, run) as server:
        async with raw_view(server) as view:
            await view.shows("digits-1")
            views = server.views()
            server.process.terminate()
            assert await view.closes() == aiohttp.WSCloseCode.GOING_AWAY
        assert server.ended().endswith("no longer served; digits-1 was only looked at\n")
        assert server.process.returncode == 0
        assert not any(map(is_alive, views))


async def test_ctrl_c_ends_it_without_a_word_from_views_that_are_starting(place: Place, run: Path) -> None:
    with served(place, run) as server:
        async with raw_view(server) as view:
            await until(server.views, "no view was started")
            for process in (*server.views(), server.process):  # as a terminal sends it: to all of them
                process.send_signal(signal.SIGINT)
            await view.closes()
        said = server.ended().splitlines()
        assert server.process.returncode == 0
        assert len(said) == 4 and said[-1] == "no longer served; digits-1 was only looked at"


async def test_a_server_that_is_killed_leaves_no_view_behind(place: Place, run: Path) -> None:
    with served(place, run) as server:
        async with raw_view(server) as view:
            await view.shows("digits-1")
            views = server.views()
            server.process.kill()
            await until(lambda: not any(map(is_alive, views)), "a view is left behind")


def test_without_the_package_the_extra_is_named(place: Place, run: Path) -> None:
    code = (
        "import sys; sys.modules['textual_serve'] = None;"
        "from staycourse.cli.main import main; sys.exit(main(['serve', sys.argv[1]]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(run)],
        env=place.environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert "pip install 'staycourse[serve]'" in done.stderr and len(done.stderr.splitlines()) == 1


def test_a_port_that_is_taken_and_a_strange_address_are_one_message(
    place: Place, run: Path, server: Served
) -> None:
    taken = place.run("serve", run, "--port", str(server.port))
    assert taken.returncode == 2 and f"127.0.0.1:{server.port} is taken" in taken.stderr
    strange = place.run("serve", run, "--host", "192.0.2.1")
    assert strange.returncode == 2 and "cannot listen on 192.0.2.1:8642" in strange.stderr
    assert [len(done.stderr.splitlines()) for done in (taken, strange)] == [1, 1]
    wrong = place.run("serve", run, "--port", "70000")
    assert wrong.returncode == 2 and "expected a number from 0 to 65535" in wrong.stderr


async def test_another_address_is_warned_of_and_answers_to_any_name(place: Place, run: Path) -> None:
    with served(place, run, "--host", "0.0.0.0") as server:
        assert answer(server.port, "GET / HTTP/1.1", "Host: gpu1.example").split()[1] == "200"
        evil = ("GET /ws HTTP/1.1", "Host: gpu1.example", "Origin: http://evil.example")
        assert answer(server.port, *evil).split()[1] == "403"
        assert answer(server.port, "GET / HTTP/1.1", "Host: a", "Host: b").split()[1] == "400"
        server.process.terminate()
        said = server.ended()
    assert "warning: anybody who reaches this port sees the run; there is no password" in said
    assert f"ssh -L {server.port}:127.0.0.1:{server.port}" in said


def test_loopback_is_not_warned_of_and_the_newest_run_is_the_default(place: Place) -> None:
    write_run(place.runs / "digits-1", "empty")
    with served(place) as server:
        server.process.terminate()
        said = server.ended()
    assert said.startswith("digits-1, view only: http://127.0.0.1:") and "warning" not in said
