"""When all is quiet again: did anything get lost, or happen twice?"""

from __future__ import annotations

import asyncio
import re
import sys
from collections import Counter

from app.demo.stage import Json
from tests.fleet import Fleet
from tests.soak.books import Books
from tests.soak.people import PatientStage

_AGAIN = re.compile(r"(?:\n（\d+/\d+）)?(?:\n（内容同前，第 \d+ 次发送）)?$")


async def settle(stage: PatientStage, books: Books) -> list[str]:
    """Wait until nothing is under way; what only a person can know is settled. Returns what was settled."""
    settled: list[str] = []

    async def quiet() -> bool:
        settled.extend(await stage.settle_unknown_calls())
        return not await books.under_way()

    await stage.until("everything to come to rest", quiet)
    return settled


async def faults(stage: PatientStage, books: Books, fleet: Fleet) -> list[str]:
    """Every sentence is a broken promise; empty is a good round."""
    found = await books.wrongs()
    found += await _lost_events(stage, books)
    found += await _seen_twice(stage)
    found += await _rosters(stage)
    found += await _broken_chain(fleet)
    return found


async def _lost_events(stage: PatientStage, books: Books) -> list[str]:
    """P1: whatever was answered with 200 is stored."""
    stored = await books.stored_events()
    answered = [push for push in await stage.sandbox.callbacks() if 200 in push["statuses"]]
    lost = [push for push in answered if push["plaintext"].encode() not in stored]
    return [f"answered 200 and not stored: {push['plaintext'][:200]}" for push in lost]


async def _seen_twice(stage: PatientStage) -> list[str]:
    """P3: nobody's phone, and no group, shows the same words or the same card twice."""
    found = []
    for person in await stage.sandbox.people(limit=5_000):
        shown = Counter(_face(message) for message in await stage.sandbox.app_messages(person["userid"]))
        found += [f"{person['userid']} got {count}×: {face}" for face, count in shown.items() if count > 1]
    for group in await stage.sandbox.groups():
        said = Counter(_AGAIN.sub("", text) for text in await stage.texts_in(group["chatid"]))
        found += [f"group {group['name']} got {count}×: {text}" for text, count in said.items() if count > 1]
    return found


def _face(message: Json) -> str:
    if card := message.get("card"):
        keys = [button.get("key") for button in card.get("button_list", [])]
        title = card.get("main_title", {})
        return f"{title.get('title')} / {title.get('desc')} / {card.get('sub_title_text')} / {keys}"
    return _AGAIN.sub("", str(message.get("text") or message.get("body")))


async def _rosters(stage: PatientStage) -> list[str]:
    """P4: what we hold for the group's members is what the platform shows."""
    found = []
    for group in await stage.every("/groups"):
        ours = {
            member["userid"]
            for member in await stage.every(f"/groups/{group['id']}/members")
            if member.get("observed", True)
        }
        shown = set((await stage.sandbox.group(group["chatid"]))["userlist"])
        if ours != shown:
            found.append(f"{group['name']}: we hold {sorted(ours - shown)} too many and lack {sorted(shown - ours)}")
    return found


async def _broken_chain(fleet: Fleet) -> list[str]:
    """P5: the audit trail of the round verifies."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "app.cli", "audit", "verify", env=fleet.environment, stdout=-1, stderr=-2
    )
    output, _ = await process.communicate()
    return [] if process.returncode == 0 else [f"steward audit verify: {output.decode(errors='replace')[-500:]}"]
