"""The first look in docs/operators.md, command by command, as pasted: it ends in a verified callback."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import signal
import time
import urllib.request
from asyncio.subprocess import PIPE, Process
from pathlib import Path
from urllib.error import URLError

from tests.architecture.source import ROOT
from tests.platform import free_port

SECTION = "First look: from `git clone` to a verified callback, no WeCom account"
TRIES = 3
INSTALL = "make .venv/.runtime"


def blocks() -> list[list[str]]:
    """The commands of the section's fenced blocks."""
    text = (ROOT / "docs" / "operators.md").read_text(encoding="utf-8")
    section = text.partition(f"## {SECTION}\n")[2].partition("\n## ")[0]
    assert section
    return [fence.strip().splitlines() for fence in re.findall(r"^```\n(.*?)^```", section, re.MULTILINE | re.DOTALL)]


async def shell(command: str, folder: Path) -> Process:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("STEWARD_")}
    # `exec`: the signal that ends it shall reach the program, not a shell around it.
    return await asyncio.create_subprocess_shell(
        command if " && " in command else f"exec {command}",
        cwd=folder,
        env=environment | {"COLUMNS": "200"},
        stdout=PIPE,
        stderr=PIPE,
    )


async def ran(command: str, folder: Path) -> str:
    process = await shell(command, folder)
    out, err = await process.communicate()
    assert process.returncode == 0, f"{command}\n{out.decode()}{err.decode()}"
    return out.decode()


async def said(command: str, folder: Path) -> str:
    out, _ = await (await shell(command, folder)).communicate()
    return out.decode()


async def answers(url: str, process: Process) -> None:
    def look() -> bool:
        try:
            return bool(urllib.request.urlopen(url).status == 200)  # noqa: S310 -- our own address
        except URLError:
            time.sleep(0.2)
            return False

    while not await asyncio.to_thread(look):
        assert process.returncode is None, "it ended before it was up"


async def test_the_commands_of_the_document_lead_to_a_verified_callback(tmp_path: Path) -> None:
    """On other ports than the document's: those may be taken here. What `make` installs is the running environment."""
    (install, copy, protect), (start_sandbox, start_service), (save,), (hire, pause, listing, doctor) = blocks()
    assert install == INSTALL
    service, sandbox = free_port(), free_port()

    def here(command: str) -> str:
        return command.replace("8080", str(service)).replace("8901", str(sandbox))

    shutil.copy(ROOT / ".env.example", tmp_path)
    (tmp_path / ".venv").symlink_to(ROOT / ".venv")
    await ran(copy, tmp_path)
    await ran(protect, tmp_path)
    settings = tmp_path / ".env"
    settings.write_text(here(settings.read_text(encoding="utf-8")), encoding="utf-8")

    platform = await shell(f"{here(start_sandbox)} --listen 127.0.0.1:{sandbox}", tmp_path)
    running = await shell(here(start_service), tmp_path)
    draining = [asyncio.create_task(process.communicate()) for process in (platform, running)]
    try:
        await answers(f"http://127.0.0.1:{sandbox}/phones", platform)
        await answers(f"http://127.0.0.1:{service}/readyz", running)
        # The platform waits for one second: on a machine that is busy the button is pressed again.
        saved = [(await ran(here(save), tmp_path)).replace(" ", "") for _ in range(TRIES)]
        assert any(answer.count('"ok":true') == 2 for answer in saved), saved
        await ran(here(hire), tmp_path)
        await ran(pause, tmp_path)
        assert "change_contact" in await ran(listing, tmp_path)
        told = [await said(doctor, tmp_path) for _ in range(TRIES)]
        assert any("0 项不通过" in each for each in told), told
    finally:
        for process in (running, platform):
            if process.returncode is None:
                process.send_signal(signal.SIGTERM)
        await asyncio.gather(*draining)
