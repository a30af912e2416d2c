"""What is chosen is kept, and what cannot be kept or read costs nothing else."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from tests.support.screen_text import opened, until

from staycourse_tui import settings
from staycourse_tui.app import StaycourseApp
from staycourse_tui.settings import Settings
from staycourse_tui.theme import DARK


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    return tmp_path / "staycourse"


@pytest.mark.parametrize("kept", [Settings(), Settings("nord", False), Settings('a "b" \\ é\n', True)])
def test_what_is_kept_is_read_again(folder: Path, kept: Settings) -> None:
    assert settings.load() == Settings()
    assert settings.save(kept)
    assert settings.load() == kept
    assert [path.name for path in folder.iterdir()] == ["app.toml"]


@pytest.mark.parametrize(
    "content",
    [b"", b"theme = 7\nnotify = 'no'", b"theme = ", b"\xff\xfe\x00", b"[theme]\na = 1", b"theme = ["],
)
def test_rubbish_reads_as_the_defaults(folder: Path, content: bytes) -> None:
    folder.mkdir()
    (folder / "app.toml").write_bytes(content)
    assert settings.load() == Settings()


def test_one_good_setting_beside_a_bad_one_counts(folder: Path) -> None:
    folder.mkdir()
    (folder / "app.toml").write_text('theme = 3\nnotify = false\nnew = "?"\n', encoding="utf-8")
    assert settings.load() == Settings(None, False)


def test_where_nothing_can_be_written_nothing_is_kept_and_nothing_raised(folder: Path) -> None:
    folder.write_text("no folder", encoding="utf-8")
    assert not settings.save(Settings("nord"))
    assert settings.load() == Settings()


def test_without_a_home_there_are_the_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    monkeypatch.setenv("HOME", "/proc/none")
    assert settings.load() == Settings()
    assert not settings.save(Settings("nord"))


async def test_a_theme_that_is_chosen_in_the_app_is_there_the_next_time(
    folder: Path, sample_runs: dict[str, Path]
) -> None:
    app = StaycourseApp(run=sample_runs["running"])
    async with app.run_test() as pilot:
        await opened(pilot)
        assert app.theme == DARK.name and not folder.exists()
        app.theme = "nord"
        await until(pilot, lambda: settings.load().theme == "nord")
    assert StaycourseApp(run=sample_runs["running"]).theme == "nord"
    settings.save(Settings("a theme of another version"))
    assert StaycourseApp(run=sample_runs["running"]).theme == DARK.name
    assert os.environ["XDG_CONFIG_HOME"] in str(settings.settings_file())
