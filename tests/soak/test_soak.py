"""One round of the soak. More of them: `make soak`."""

from __future__ import annotations

import shutil

from rich.console import Console

from tests.fleet import short_folder
from tests.soak.rounds import play


async def test_the_story_comes_true_while_processes_and_database_are_killed() -> None:
    folder = short_folder()
    played = await play(folder, Console(quiet=True), seed=3, pause=(3, 9), people=80)
    assert not played.faults, f"{played.line}\nlogs: {folder}"
    assert all(played.kills.values()), "something was never killed: take another seed"
    assert any(played.chaos.values()), "nothing was frozen, cut or spoiled: take another seed"
    shutil.rmtree(folder, ignore_errors=True)
