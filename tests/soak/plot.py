"""The demo's story, for people who wait longer. Where the clock decides, only what it cannot change is asked."""

from __future__ import annotations

from app.demo import story
from app.demo.cast import Cast, choose_cast
from app.demo.stage import Json
from tests.soak.people import PatientStage

LATENCY_SECONDS = 0.5


async def connect(stage: PatientStage) -> None:
    """Before anything is killed: the platform gives an address one second to prove itself.

    From then on it takes its time, so that many a call is under way when its worker dies.
    """
    await story.verify_addresses(stage)
    await stage.sandbox.configure(latency_seconds=LATENCY_SECONDS)


async def tell(stage: PatientStage) -> None:
    await story.sync_organisation(stage)
    await everybody_read(stage)
    cast = await choose_cast(stage)
    group = await story.apply_for_group(stage, cast)
    await story.join_and_exit(stage, cast, group)
    await story.leave_unapproved(stage, cast, group)
    await announce(stage, cast, group)
    await story.assign_task(stage, cast, group)
    await story.depart(stage, cast, group)


async def everybody_read(stage: PatientStage) -> None:
    """A sync that was disturbed leaves people out: it is repeated without anybody who asks for it."""

    async def nobody_invisible() -> bool:
        return not await stage.every("/members", status="invisible")

    await stage.until("everybody to be read", nobody_invisible)


async def announce(stage: PatientStage, cast: Cast, group: Json) -> None:
    """Two confirm; who does not is chased once at most; the author gets one final list."""
    stage.chapter("六 · 通知：回执、催办、最终名单")
    published = await stage.post(
        "/announcements",
        {
            "title": "周五 18:00 前完成新品验收",
            "body": "请各负责人按验收单逐项确认。",
            "class": "work",
            "author": cast.applicant,
            "audience": {"groups": [group["id"]]},
        },
    )
    key = f"announcement.confirm:{published['id']}"
    receipts = await stage.every(f"/announcements/{published['id']}/receipts")
    early = [receipt["person"] for receipt in receipts][:2]
    for userid in early:
        await stage.press(userid, key)

    async def closed() -> Json | None:
        seen = await stage.get(f"/announcements/{published['id']}")
        return seen if seen["state"] == "closed" else None

    await stage.until("the deadline", closed)

    async def confirmed() -> bool:
        rows = await stage.every(f"/announcements/{published['id']}/receipts", confirmed="true")
        return set(early) <= {row["person"] for row in rows}

    await stage.until("both confirmations, late ones too", confirmed)

    async def listed() -> list[str]:
        return [text for text in await stage.texts(cast.applicant) if "已到截止时间" in text]

    lists = await stage.until("the author's list", listed)
    stage.require(len(lists) == 1, "the author was told twice")
    stage.tell(f"截止：{len(receipts)} 人中两位点过“收到”，一份最终名单")
