"""The story, chapter by chapter. Every sentence is built from what was read back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from enum import StrEnum

import httpx

from app.demo.cast import Cast, choose_cast
from app.demo.stage import Json, Stage
from app.pages.drawing.words import words_of
from app.quotes import quoted
from models.org import PersonStatus
from models.tasks import TaskState

HOUR = timedelta(hours=1)
REPEATS = 3


async def tell_story(stage: Stage) -> Cast:
    """Returns who played it."""
    await verify_addresses(stage)
    await sync_organisation(stage)
    cast = await choose_cast(stage)
    group = await apply_for_group(stage, cast)
    await greet(stage, group)
    await join_and_exit(stage, cast, group)
    await leave_unapproved(stage, cast, group)
    await announce(stage, cast, group)
    await assign_task(stage, cast, group)
    await depart(stage, cast, group)
    await repeat_callbacks(stage)
    await add_up(stage)
    return cast


# ---------------------------------------------------------------- the two ends meet


async def verify_addresses(stage: Stage) -> None:
    stage.chapter("一 · 接通：企业微信验证回调地址")
    base = f"{stage.addresses.service}/callbacks"
    results = await stage.sandbox.set_callback_urls(app=f"{base}/app", contacts=f"{base}/contacts")
    for channel, result in sorted(results.items()):
        stage.require(result["ok"], f"the {channel} address was not verified")
        stage.tell(f"{base}/{channel} 已通过验证")

    async def menu() -> list[str] | None:
        somebody = (await stage.sandbox.people(limit=1))[0]["userid"]
        shown = (await stage.sandbox.phone(somebody))["conversations"][0]["menu"]
        return [str(entry["name"]) for entry in shown["button"]] if shown else None

    entries = await stage.until("the menu of the app", menu)
    stage.tell(f"每部手机上有应用菜单：{'、'.join(entries)}")


async def sync_organisation(stage: Stage) -> None:
    stage.chapter("二 · 通讯录：组织架构进入数据库")

    async def finished() -> Json | None:
        runs = (await stage.get("/sync-runs"))["items"]
        return next((run for run in runs if run["kind"] == "full" and run["state"] == "done"), None)

    run = await stage.until("the first sync", finished)
    members = await stage.every("/members")
    departments = await stage.every("/departments")
    platform = await stage.sandbox.overview()
    stage.require(len(members) == platform["people"], f"{len(members)} of {platform['people']} people arrived")
    stage.require(len(departments) == platform["departments"], "departments are missing")
    disabled = sum(member["status"] == "disabled" for member in members)
    idle = sum(member["status"] == "not_activated" for member in members)
    stage.tell(
        f"同步 {run['id'][:8]} 完成：{len(departments)} 个部门，{len(members)} 人（未激活 {idle}，已禁用 {disabled}），"
        "与平台一致"
    )


# ---------------------------------------------------------------- groups


async def approve_step(stage: Stage, request_id: str, position: int) -> str:
    """The first approver of the open step presses 同意 on their phone. Returns their name."""

    async def opened() -> Json | None:
        steps = (await stage.get(f"/requests/{request_id}"))["steps"]
        step: Json = steps[position - 1]
        return step if step["state"] == "open" else None

    step = await stage.until(f"step {position} of the request", opened)
    approver = step["approvers"][0]
    phone = await stage.press(approver, f"approval.approve:{step['id']}")

    async def shown() -> str | None:
        return await stage.face_of(phone) or None

    face = await stage.until("the approver's card to show the outcome", shown)
    name = await stage.name_of(approver)
    stage.tell(f"{name}（{step['name']}）在手机上点“同意”：卡片{quoted(phone.title)}变为{quoted(face)}")
    return name


async def outcome_of(stage: Stage, request_id: str) -> Json:
    async def ended() -> Json | None:
        request = await stage.get(f"/requests/{request_id}")
        stage.require(request["outcome"] != "failed", f"the platform refused: {request['outcome_detail']}")
        return request if request["outcome"] == "done" else None

    return await stage.until("the request to be carried out", ended)


async def apply_for_group(stage: Stage, cast: Cast) -> Json:
    stage.chapter("三 · 建群：申请，在手机上审批，由服务创建")
    department = await stage.get(f"/departments/{cast.department}")
    request = await stage.post(
        "/requests",
        {
            "kind": "create_group",
            "requester": cast.applicant,
            "reason": "新品上线需要跨组协作",
            "payload": {
                "name": f"{department['name']}-新品上线",
                "type": "project",
                "purpose": "协调新品上线的进度与问题",
                "department_id": cast.department,
                "owner": cast.applicant,
                "deputy": cast.team[0],
                "members": cast.team,
            },
        },
    )
    applicant = await stage.name_of(cast.applicant)
    rule = request["rule"]
    stage.tell(f"{applicant}{request['title']}（#{request['number']}，依据制度 {rule['clause']}）")
    for position in range(1, len(request["steps"]) + 1):
        await approve_step(stage, request["id"], position)
    group_id = (await outcome_of(stage, request["id"]))["group_id"]
    group = await stage.get(f"/groups/{group_id}")
    seen = await stage.sandbox.group(group["chatid"])
    stage.tell(
        f"平台上有了群{quoted(seen['name'])}：{len(seen['userlist'])} 人，群主 {await stage.name_of(seen['owner'])}"
    )
    return group


async def greet(stage: Stage, group: Json) -> None:
    async def greeted() -> list[str]:
        return await stage.texts_in(group["chatid"])

    first = (await stage.until("the group's first message", greeted))[0]
    stage.tell(f"群里的第一条消息：{quoted(first.splitlines()[0])}")


async def join_and_exit(stage: Stage, cast: Cast, group: Json) -> None:
    stage.chapter("四 · 入群与退群：都要审批")
    newcomer = await stage.name_of(cast.newcomer)
    join = await stage.post(
        "/requests",
        {
            "kind": "join",
            "requester": cast.newcomer,
            "reason": "负责新品的市场推广",
            "payload": {"group_id": group["id"], "title": "市场专员", "contact": "分机 8021"},
        },
    )
    steps = " → ".join(step["name"] for step in join["steps"])
    stage.tell(f"{newcomer}申请入群，要过 {len(join['steps'])} 步：{steps}")
    for position in range(1, len(join["steps"]) + 1):
        await approve_step(stage, join["id"], position)
    await outcome_of(stage, join["id"])
    userlist = (await stage.sandbox.group(group["chatid"]))["userlist"]
    stage.require(cast.newcomer in userlist, "the newcomer is not in the group")
    stage.tell(f"{newcomer}已在群里，群成员 {len(userlist)} 人")

    leaver = cast.team[-1]
    leave = await stage.post(
        "/requests",
        {
            "kind": "exit",
            "requester": leaver,
            "reason": "不再参与这个项目",
            "payload": {"group_id": group["id"]},
        },
    )
    for position in range(1, len(leave["steps"]) + 1):
        await approve_step(stage, leave["id"], position)
    await outcome_of(stage, leave["id"])
    userlist = (await stage.sandbox.group(group["chatid"]))["userlist"]
    stage.require(leaver not in userlist, "the leaver is still in the group")
    stage.tell(f"{await stage.name_of(leaver)}获准退群，群成员 {len(userlist)} 人")


async def leave_unapproved(stage: Stage, cast: Cast, group: Json) -> None:
    stage.chapter("五 · 对账：没有批准的退群会被发现（平台对此没有回调）")
    runaway = cast.team[-2]
    await stage.sandbox.leave_group(runaway, group["chatid"])
    await stage.post(f"/groups/{group['id']}/reconcile")

    async def found() -> Json | None:
        findings = await stage.every(f"/groups/{group['id']}/findings")
        return next((one for one in findings if one["kind"] == "unapproved_leave"), None)

    finding = await stage.until("the finding", found)
    stage.require(finding["userid"] == runaway, "the finding names somebody else")
    stage.tell(f"发现 {await stage.name_of(runaway)} 未经批准退群（依据制度 {finding['rule']['clause']}），已记录在案")


# ---------------------------------------------------------------- announcements and tasks


async def announce(stage: Stage, cast: Cast, group: Json) -> None:
    stage.chapter("六 · 通知：一条群消息，每人一张卡片，回执、催办、最终名单")
    published = await stage.post(
        "/announcements",
        {
            "title": "周五 18:00 前完成新品验收",
            "body": "请各负责人按验收单逐项确认，有问题当天提出。",
            "class": "work",
            "author": cast.applicant,
            "audience": {"groups": [group["id"]]},
        },
    )
    key = f"announcement.confirm:{published['id']}"
    receipts = await stage.every(f"/announcements/{published['id']}/receipts")
    concerned = [receipt["person"] for receipt in receipts]
    for userid in concerned:
        await stage.card_with(userid, key)

    async def posted() -> bool:
        return any(published["title"] in text for text in await stage.texts_in(group["chatid"]))

    await stage.until("the text in the group", posted)
    stage.tell(f"{quoted(published['title'])}：群里一条消息，{len(concerned)} 人手机上各有一张卡片")
    early, late = concerned[:2], concerned[2]
    for userid in early:
        await stage.press(userid, key)
    await confirmed(stage, published["id"], len(early))
    stage.tell(f"{'、'.join([await stage.name_of(userid) for userid in early])} 点了“收到”")

    async def chased() -> Json | None:
        seen = await stage.get(f"/announcements/{published['id']}")
        return seen if seen["receipts"]["chased"] else None

    seen = await stage.until("the chase", chased)
    stage.require(seen["receipts"]["chased"] == len(concerned) - len(early), "the chase reached the wrong people")
    stage.tell(f"临近截止，催办 {seen['receipts']['chased']} 位还没确认的人（已确认的不打扰）")
    await stage.press(late, key)
    await confirmed(stage, published["id"], len(early) + 1)
    await final_list(stage, published["id"], cast.applicant)


async def confirmed(stage: Stage, announcement_id: str, expected: int) -> None:
    async def counted() -> bool:
        seen = await stage.get(f"/announcements/{announcement_id}")
        return bool(seen["receipts"]["confirmed"] == expected)

    await stage.until(f"{expected} confirmations", counted)


async def final_list(stage: Stage, announcement_id: str, author: str) -> None:
    async def closed() -> Json | None:
        seen = await stage.get(f"/announcements/{announcement_id}")
        return seen if seen["state"] == "closed" else None

    seen = (await stage.until("the deadline", closed))["receipts"]
    missing = await stage.every(f"/announcements/{announcement_id}/receipts", state="unconfirmed")
    stage.require(len(missing) == seen["unconfirmed"], "the final list does not add up")
    names = "、".join([await stage.name_of(receipt["person"]) for receipt in missing])
    stage.tell(f"截止：{seen['audience']} 人中 {seen['confirmed']} 人已确认；未确认：{names}")

    async def told() -> str | None:
        return next((text for text in await stage.texts(author) if "已到截止时间" in text), None)

    line = (await stage.until("the author's list", told)).splitlines()[0]
    stage.tell(f"发布人手机上收到最终名单：{quoted(line)}")


async def assign_task(stage: Stage, cast: Cast, group: Json) -> None:
    stage.chapter("七 · 任务：布置、接受、进展、完成，都在卡片上")
    owner = cast.team[0]
    task = await stage.post(
        "/tasks",
        {
            "title": "整理新品验收单",
            "acceptance": "验收单全部勾选并上传",
            "assigner": cast.applicant,
            "owner": owner,
            "group": group["id"],
            "due_at": (datetime.now(UTC) + HOUR).isoformat(),
        },
    )
    name = await stage.name_of(owner)
    stage.tell(f"任务 #{task['number']}{quoted(task['title'])}布置给{name}")
    for verb, state, said in (
        ("accept", "accepted", "接受"),
        ("progress", "accepted", "汇报进展"),
        ("done", "done", "完成"),
    ):
        await stage.press(owner, f"task.{verb}:{task['id']}")
        seen = await task_after(stage, task["id"], verb, state)
        stage.tell(f"{name}点{quoted(said)}：任务{_said(TaskState(seen['state']))}，进度 {seen['progress']}%")
    await ask_the_app(stage, cast.applicant, task)


async def ask_the_app(stage: Stage, userid: str, task: Json) -> None:
    """Whoever writes the number of a task to the app is told how it stands."""
    asked = f"任务 #{task['number']}"
    await stage.sandbox.say(userid, asked)

    async def told() -> str | None:
        return next((text for text in await stage.texts(userid) if text.startswith(f"【{asked}】")), None)

    answer = await stage.until("an answer of the app", told)
    standing = next(line for line in answer.splitlines() if line.startswith("现状"))
    stage.tell(f"{await stage.name_of(userid)}给应用发{quoted(asked)}：收到答复{quoted(standing)}")


def _said(state: StrEnum) -> str:
    """As the pages call it."""
    words = words_of(state)
    return words.chinese if words is not None else str(state)


async def task_after(stage: Stage, task_id: str, verb: str, state: str) -> Json:
    async def moved() -> Json | None:
        seen = await stage.get(f"/tasks/{task_id}")
        reported = verb != "progress" or seen["progress"] > 0
        return seen if seen["state"] == state and reported else None

    return await stage.until(f"the task to be {state}", moved)


# ---------------------------------------------------------------- departure, repeats, sums


async def depart(stage: Stage, cast: Cast, group: Json) -> None:
    stage.chapter("八 · 离岗：管理员在后台禁用一人，各群随之移除")
    leaver = cast.newcomer
    name = await stage.name_of(leaver)
    await stage.sandbox.disable(leaver)

    async def gone() -> Json | None:
        seen = await stage.sandbox.group(group["chatid"])
        return seen if leaver not in seen["userlist"] else None

    seen = await stage.until("the disabled person to be out of the group", gone)
    member = await stage.get(f"/members/{leaver}")
    stage.require(member["status"] == "disabled", "the service did not notice")
    stage.tell(f"{name}{_said(PersonStatus(member['status']))}，已不在群里，群成员 {len(seen['userlist'])} 人")


async def repeat_callbacks(stage: Stage) -> None:
    stage.chapter("九 · 重复：同一个回调再来三次，没有第二次效果")
    await stage.sandbox.wait_idle()
    clicks = [one for one in await stage.sandbox.callbacks("app") if "template_card_event" in one["plaintext"]]
    event = clicks[-1]
    before = await effects(stage)
    answers = await stage.sandbox.push(event["plaintext"], "app", repeat=REPEATS)
    stage.require(all(status == httpx.codes.OK for status in answers), f"the repeats were answered {answers}")

    async def counted() -> Json | None:
        events = await stage.every("/callbacks", event_type="template_card_event")
        return next((one for one in events if one["repeats"] >= REPEATS), None)

    stored = await stage.until("the repeats to be counted", counted)
    stage.require(await effects(stage) == before, "a repeated callback had a second effect")
    stage.tell(
        f"回调 #{stored['id']} 又送达 {stored['repeats']} 次（重新加密），都回答 200；"
        f"仍是 {before[0]} 个事件、{before[1]} 次外发调用"
    )


async def effects(stage: Stage) -> tuple[int, int]:
    """How many events are stored and how many calls were made."""
    events = await stage.every("/callbacks")
    calls = await stage.every("/deliveries/calls")
    return len(events), len(calls)


async def add_up(stage: Stage) -> None:
    stage.chapter("十 · 对得上")
    deliveries = await stage.every("/deliveries")
    states = {
        state: sum(one["state"] == state for one in deliveries) for state in ("sent", "failed", "unknown", "held")
    }
    stage.require(sum(states.values()) == len(deliveries), "a recipient is in no state")
    stage.require(states["unknown"] == 0, "an outcome is unknown")
    audit = await stage.every("/audit")
    stage.tell(
        f"{len(deliveries)} 人次消息：送达 {states['sent']}，失败 {states['failed']}，待发 {states['held']}，"
        f"不明 {states['unknown']}；审计记录 {len(audit)} 条"
    )
