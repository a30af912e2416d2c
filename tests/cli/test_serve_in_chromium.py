"""`serve` in a real browser."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from PIL import Image
from tests.support.browser import chromium
from tests.support.sample_run import engine_for, write_run
from tests.support.served import served, until
from tests.support.tiny import Place

_BACKGROUND = (0x12, 0x16, 0x1C)


@pytest.fixture(scope="module", autouse=True)
def installed() -> None:
    """Chromium, from Debian's packages where it is missing."""
    if shutil.which("chromium") is not None:
        return
    if os.getuid() != 0 or shutil.which("apt-get") is None:
        pytest.skip("chromium is not installed, and only root can install it, with apt-get")
    script = "apt-get update -q && apt-get install -q -y --no-install-recommends chromium"
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    done = subprocess.run(["sh", "-c", script], env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"chromium cannot be installed: {(done.stdout + done.stderr).strip()[-300:]}")


@pytest.mark.slow
async def test_the_run_is_seen_and_keys_work_and_the_end_is_said(place: Place, tmp_path: Path) -> None:
    run = write_run(place.runs / "digits-1", "running", gpus=2)
    with engine_for(run, training=True) as engine, served(place, "digits-1") as server:
        async with chromium(tmp_path / "profile") as browser, browser.page() as page:
            await page.open(server.address)
            text = await page.shows("digits-1", "queue", "trials", "val_loss", "devices", "LOCKED", "? help")
            assert "⣿" in text and await page.ask("document.title") == "digits-1 · staycourse"
            await page.press("y")
            await page.shows("linear")
            drawn = await page.screenshot()
            assert 0.02 < share_drawn(drawn) < 0.6
            await page.press("x")
            await page.shows("rules", "patience")
            assert page.requested and all(at.startswith(server.address) for at in page.requested)
            assert await page.ask("document.fonts.check('16px \"Roboto Mono\"')")

            await page.press("q")
            await until(lambda: not server.views(), "the view that was left still runs")
            await page.reads("#said", "This view of digits-1 is closed")
            await page.reloads("document.getElementById('again').click()")
            await page.shows("digits-1", "queue")
            server.process.kill()
            await page.reads("#said", "This view of digits-1 is closed")
            await page.ask("document.getElementById('again').click()")
            await page.reads("#said", "staycourse serve has ended")
        assert engine.poll() is None


def share_drawn(png: bytes) -> float:
    """Which share of a picture is not of the page's colour."""
    pixels = Image.open(io.BytesIO(png)).convert("RGB")
    colours = {colour: count for count, colour in pixels.getcolors(1 << 24)}
    return 1 - colours.get(_BACKGROUND, 0) / (pixels.width * pixels.height)
