"""What the acts of IT and of group administrators will do and to whom, as their senders see it before they are done."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from uuid import UUID

from app import addresses
from app.access import service as access
from app.calendar import service as calendars
from app.delivery import service as delivery
from app.delivery.service import Ended, Selection
from app.groups import queries as group_queries
from app.groups import service as groups
from app.org import queries as org
from app.org import service as people
from app.org.service import Returner
from app.pages.drawing.catalogue import phrase
from app.pages.forms import Preview
from app.pages.visit import Visit
from app.permissions import TITLES, Reach, Words
from app.sync.service import SyncReport
from models.access import AccessGrant
from models.ids import GroupId
from models.org import Person, SyncRun


async def of_revoking(visit: Visit, grant_id: UUID, *, home: str) -> Preview:
    """What the person can do no more, and who is left to give it again."""
    loss = await access.loss_of(visit.session, grant_id, now=visit.now)
    name, bundle = loss.person.name, _in_words(visit, loss.bundle)
    lost = [_in_words(visit, TITLES[one]) for one in loss.permissions]
    told = (
        phrase("{name}马上不能在这个范围内再做这些事。")
        if lost
        else phrase("{name}仍因其他身份或授权持有其中的全部权限。")
    )
    effects = [visit.say(told, name=name)]
    if loss.administrators is not None and len(loss.administrators) == 1:
        alone = phrase("之后只有{name}一人可以在全公司授权，需要两个人的事就没有第二个人。")
        effects.append(visit.say(alone, name=loss.administrators[0].name))
    facts = {
        visit.say(phrase("人员")): name,
        visit.say(phrase("权限组")): bundle,
        visit.say(phrase("范围")): await _place(visit, loss.grant),
        visit.say(phrase("当初的理由")): loss.grant.reason,
    }
    if lost:
        facts[visit.say(phrase("不能再做"))] = _listed(visit, lost)
    button = visit.say(phrase("收回{name}的“{bundle}”"), name=name, bundle=bundle)
    return Preview(visit.say(phrase("收回权限")), button, home, facts, effects)


async def of_ending_sessions(visit: Visit, person_id: UUID) -> Preview:
    lifetime = access.lifetime_of(visit.settings)
    living = await access.living_of(visit.session, person_id, lifetime=lifetime, now=visit.now)
    [name] = await org.names_of(visit.session, [person_id]) or [""]
    return Preview(
        title=visit.say(phrase("结束全部登录")),
        button=visit.say(phrase("结束{name}的全部登录"), name=name),
        back=addresses.console_person(person_id),
        facts={visit.say(phrase("人员")): name, visit.say(phrase("登录的地方")): f"{len(living):,}"},
        effects=[visit.say(phrase("每一处下一次点击都要重新登录。本人会收到消息，知道由谁结束。"))],
    )


async def of_resending(visit: Visit, selection: Selection) -> Preview:
    """Everything that is chosen, and that an unknown one may arrive twice."""
    found = await delivery.preview(visit.session, selection)
    effects = []
    if selection.state is Ended.UNKNOWN:
        twice = phrase("是否送达不明的消息，对方可能已经收到：重新发送后会收到两次。")
        effects.append(visit.say(twice))
    return Preview(
        title=visit.say(phrase("成批重新发送")),
        button=visit.say(phrase("重新发送这 {count} 项"), count=f"{found.deliveries + found.calls:,}"),
        back=addresses.CONSOLE_DELIVERIES,
        facts={
            visit.say(phrase("收件人")): f"{found.deliveries:,}",
            visit.say(phrase("群消息、卡片更新或菜单设置")): f"{found.calls:,}",
        },
        effects=effects,
    )


def of_releasing(visit: Visit, run: SyncRun) -> Preview | None:
    """Whom the platform does not name any more; None for a run that holds nothing."""
    held = SyncReport.of(run).held
    if held is None:
        return None
    gone = held.on_release.departures if held.on_release else held.people
    facts = {visit.say(phrase("部门")): f"{len(held.departments):,}"}
    if held.on_release:
        facts[visit.say(phrase("空出的群成员名额"))] = f"{held.on_release.group_places:,}"
    return Preview(
        title=visit.say(phrase("放行被暂缓的减少")),
        button=visit.say(phrase("放行，{count} 人按离职或停用处理"), count=f"{len(gone):,}"),
        back=addresses.console_sync_run(run.id),
        facts=facts,
        effects=[visit.say(phrase("他们立即按离职或停用处理。"))],
        names=[one.name or one.id for one in gone],
    )


async def of_moving(visit: Visit, day: date, *, is_working: bool) -> Preview | None:
    """None when the day stays what it is: then only its note changes."""
    [today] = await calendars.days_between(visit.session, since=day, until=day)
    if today.is_working == is_working:
        return None
    moved = await calendars.would_move(visit.session, day=day, is_working=is_working, now=visit.now)
    to_rest, to_work = phrase("改为休息日"), phrase("改为工作日")
    return Preview(
        title=f"{day.isoformat()} {visit.say(to_work if is_working else to_rest)}",
        button=visit.say(to_work if is_working else to_rest),
        back=f"{addresses.CONSOLE_CALENDAR}/{day.isoformat()}",
        effects=[visit.say(phrase("按工作时间计算的截止时间、提醒和催办随之移动。"))],
        hints=[visit.say(phrase("现在有 {count} 个还没有到的时间会移动。"), count=f"{len(moved):,}")],
    )


def of_linking(visit: Visit, alike: Sequence[Returner]) -> Preview:
    """Everybody who is the same human being as somebody who had left."""
    return Preview(
        title=visit.say(phrase("关联姓名和部门都相同的人")),
        button=visit.say(phrase("关联这 {count} 人"), count=f"{len(alike):,}"),
        back=addresses.CONSOLE_RETURNED,
        effects=[visit.say(phrase("他们原来的申请、任务和回执仍归其名下。关联之后不能分开。"))],
        names=[f"{one.newcomer.name}（{one.userid}）" for one in alike],
    )


async def of_removing(visit: Visit, group_id: UUID, person: Person) -> Preview:
    shown = await groups.administered(visit.session, GroupId(group_id), reader_id=visit.viewer.person.id, now=visit.now)
    named = (await people.named_people(visit.session, [person.id])).get(person.id)
    name = named.name if named else person.name
    facts = {visit.say(phrase("群")): shown.line.name, visit.say(phrase("成员")): name}
    if named and named.department:
        facts[visit.say(phrase("部门"))] = named.department
    return Preview(
        title=visit.say(phrase("从群里移出成员")),
        button=visit.say(phrase("把{name}移出本群"), name=name),
        back=addresses.console_group(group_id),
        facts=facts,
        effects=[visit.say(phrase("登记立即更改，然后在企业微信的群里移出。"))],
    )


async def of_accepting(visit: Visit, group_id: UUID) -> Preview:
    """A reading that was not believed because too many were gone."""
    shown = await groups.administered(visit.session, GroupId(group_id), reader_id=visit.viewer.person.id, now=visit.now)
    losses = [one.detail for one in shown.findings if one.kind == "roster_loss" and one.detail]
    facts = {visit.say(phrase("群")): shown.line.name, visit.say(phrase("读到的减少")): _listed(visit, losses) or "—"}
    return Preview(
        title=visit.say(phrase("按读到的成员更新登记")),
        button=visit.say(phrase("减少属实，更新登记")),
        back=addresses.console_group(group_id),
        facts=facts,
        effects=[visit.say(phrase("现在再读一次，群里已经没有的人在登记中记为已退群。"))],
    )


async def _place(visit: Visit, grant: AccessGrant) -> str:
    if grant.reach == Reach.DEPARTMENT:
        names = await org.department_names(visit.session, [int(grant.place)])
        return visit.say(phrase("{name}及其下级"), name=names.get(int(grant.place), grant.place))
    if grant.reach == Reach.GROUP:
        found = (await group_queries.groups_by_id(visit.session, [UUID(grant.place)])).values()
        return visit.say(phrase("群“{name}”"), name=next((one.observed_name or one.desired_name for one in found), "—"))
    return visit.say(phrase("全公司"))


def _in_words(visit: Visit, words: Words) -> str:
    return words.english if visit.reader.reads_english else words.chinese


def _listed(visit: Visit, parts: Sequence[str]) -> str:
    return (", " if visit.reader.reads_english else "、").join(parts)
