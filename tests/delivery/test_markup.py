"""What people have typed stays what they have typed: no name, title, reason or remark becomes a link or a mention."""

from __future__ import annotations

import ast
import html
import json
import re
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app import addresses
from app.announcements import service as announcements
from app.announcements.service import AudienceWanted, Draft
from app.approvals import service as approvals
from app.approvals.service import Application
from app.audit.actor import SYSTEM, person_actor
from app.audit.why import About, Why
from app.confirmations import service as confirmations
from app.delivery import service as delivery
from app.delivery.service import MessageHeader
from app.dual_control import TwoPersonAct
from app.policy.document import default_source
from app.wecom.message_bodies.card import Card, card_as_text
from app.wecom.message_bodies.markup import inert, inert_but_own, with_link
from models.audit import ObjectKind
from models.delivery import CallKind, OutgoingCall
from models.ids import PersonId
from tests.architecture.source import modules, tree
from tests.builders import groups, tasks
from tests.builders.groups import said_of
from tests.company import RESEARCH, Company
from tests.fakes.clock import MONDAY_9AM

PUBLIC = "https://steward.example.com"
EVIL = '<a href="https://evil.test/">查看详情</a>'
HOSTILE = [
    EVIL,
    "< a href='https://evil.test/'>看</a>",
    "<A HREF=https://evil.test/>看</A>",
    "<@all>",
    "<@wangfang> 请看",
    "&lt;a href=&quot;https://evil.test/&quot;&gt;看&lt;/a&gt;",
    "&#60;a href=x&#62;",
    "&#x3C;a href=x>",
    "&LTa href=x>",
    f'<a href="{PUBLIC}.evil.test/">查看详情</a>',
    f'<a href="{PUBLIC}/me" onclick="x">查看详情</a>',
    f'<a href="{PUBLIC}/\\evil.test">查看详情</a>',
    f'<a href="{PUBLIC}/me">恭喜中奖</a>',
    "<<a href=x>",
    '<font color="warning">急</font>',
]
PIECES = [
    *HOSTILE,
    "<",
    ">",
    "&",
    "lt;",
    '"',
    "'",
    "</a>",
    "<a",
    " href=",
    PUBLIC,
    "查看详情",
    "\n",
    "张三",
    "5<6",
    "a&b",
]
TYPED = st.lists(st.sampled_from(PIECES) | st.text(max_size=20), max_size=8).map("".join)
OWN_LINK = re.compile(rf'<a href="{re.escape(PUBLIC)}/[^"<>\s\\]*">查看详情</a>')


def is_harmless(said: str) -> bool:
    """No sign is left that begins markup, however a client reads it, beside links to our own pages."""
    rest = OWN_LINK.sub("", said)
    return "<" not in rest and "<" not in html.unescape(rest)


def as_read(said: str) -> str:
    """By a person, to whom full width looks alike."""
    return said.replace("＜", "<").replace("＆", "&")


class TestTheText:
    @given(TYPED)
    def test_nothing_typed_is_markup(self, typed: str) -> None:
        assert is_harmless(inert(typed))
        assert "<" not in inert(typed)

    @given(TYPED)
    def test_it_reads_as_it_was_typed(self, typed: str) -> None:
        assert as_read(inert(typed)) == as_read(typed)

    @given(TYPED)
    def test_once_is_enough(self, typed: str) -> None:
        assert inert(inert(typed)) == inert(typed)

    @given(TYPED)
    def test_what_is_sent_leads_to_our_pages_alone(self, typed: str) -> None:
        assert is_harmless(inert_but_own(typed, own=PUBLIC))
        assert "<" not in inert_but_own(typed, own=None)

    @given(TYPED, TYPED)
    def test_our_own_link_is_one(self, typed: str, more: str) -> None:
        said = inert_but_own(f"{with_link(typed, f'{PUBLIC}/me/tasks?a=1&b=2')}\n\n{more}", own=PUBLIC)
        assert f'<a href="{PUBLIC}/me/tasks?a=1&b=2">查看详情</a>' in said
        assert is_harmless(said)

    @pytest.mark.parametrize("typed", ["R&D 部", "5 > 3", "https://x.test/?a=1&b=2", "甲&乙"])
    def test_what_begins_nothing_is_not_touched(self, typed: str) -> None:
        assert inert(typed) == typed

    @given(TYPED)
    def test_a_card_that_goes_as_text(self, typed: str) -> None:
        card = Card(title=typed, desc=typed, fields=[("名称", typed)], quote=typed, sub_title=typed)
        assert is_harmless(inert_but_own(card_as_text(card.to_face()), own=PUBLIC))


async def bodies(session: AsyncSession) -> list[tuple[CallKind, dict[str, Any]]]:
    rows = (await session.scalars(select(OutgoingCall))).all()
    return [(row.kind, json.loads(row.request_body)) for row in rows]


async def texts(session: AsyncSession) -> list[str]:
    return [body["text"]["content"] for _, body in await bodies(session) if body.get("msgtype") == "text"]


def addresses_in(value: Any) -> list[str]:
    """Every address that a card opens."""
    if isinstance(value, dict):
        return [one for name, said in value.items() for one in ([said] if name == "url" else addresses_in(said))]
    return [one for said in value for one in addresses_in(said)] if isinstance(value, list) else []


@pytest.fixture
async def hostile(session: AsyncSession, company: Company) -> Company:
    """Everybody has a name that is one."""
    session.info[addresses.SESSION_KEY] = PUBLIC
    for person, typed in zip(company.people.values(), HOSTILE, strict=False):
        person.name = f"{typed}{person.name}"
    await session.flush()
    return company


@pytest.mark.parametrize("typed", HOSTILE)
class TestWhatGoesOut:
    def header(self, company: Company) -> MessageHeader:
        return MessageHeader("task.card", About(ObjectKind.TASK, "1"), Why(SYSTEM, "delivery.hours", company.policy.id))

    async def test_to_a_person_and_to_a_group(self, session: AsyncSession, hostile: Company, typed: str) -> None:
        group = await groups.group(
            session, "研发部-新品项目", owner=hostile.wang, members=[hostile.chen], now=MONDAY_9AM
        )
        said, to = self.header(hostile), [PersonId(hostile.li.id)]
        await delivery.send_text(session, said, to=to, text=typed, now=MONDAY_9AM)
        await delivery.tell(session, said, to, typed, now=MONDAY_9AM)
        await delivery.send_card(session, said, to=to, card=Card(title="入群申请", quote=typed), now=MONDAY_9AM)
        await delivery.post_to_group(session, said, group=cast("Any", group), text=typed, now=MONDAY_9AM)
        sent = await texts(session)
        assert len(sent) == 4
        assert all(is_harmless(one) for one in sent)
        assert all(as_read(typed) in as_read(one) for one in sent)

    async def test_a_card_says_it_plainly(self, session: AsyncSession, hostile: Company, typed: str) -> None:
        card = Card(title="入群申请", quote=typed).leading_to(f"{PUBLIC}/me")
        await delivery.send_card(session, self.header(hostile), to=[PersonId(hostile.li.id)], card=card, now=MONDAY_9AM)
        ((_, body),) = await bodies(session)
        assert body["template_card"]["quote_area"] == {"quote_text": typed}
        assert addresses_in(body["template_card"]) == [f"{PUBLIC}/me"]


@pytest.mark.parametrize("typed", [EVIL, "<@all>", "&lt;a href=x&gt;看&lt;/a&gt;"])
async def test_nothing_that_the_domains_say_is_markup(session: AsyncSession, hostile: Company, typed: str) -> None:
    """Requests, decisions, announcements, tasks, acts of two people, by people and with texts of that kind."""
    wang, li, chen, han = hostile.wang, hostile.li, hostile.chen, hostile.han
    group = await groups.group(session, "研发部-新品项目", owner=wang, members=[chen], now=MONDAY_9AM)
    payload = {"group_id": str(group.id), **said_of("join")}
    application = Application("join", li, payload, submitted_by=person_actor(li.id), reason=typed)
    await approvals.submit(session, application, now=MONDAY_9AM)
    audience = AudienceWanted(departments=(RESEARCH,), people=["li", "sun"], groups=(group.id,))
    draft = Draft(f"放假{typed}", f"{typed}\n明天{typed}" * 20, "work", audience)
    await announcements.publish(session, draft, author=han, actor=person_actor(han.id), now=MONDAY_9AM)
    await tasks.task(session, wang, li, title=f"报表{typed}", now=MONDAY_9AM)
    wish = confirmations.Wish(TwoPersonAct.POLICY_ACTIVATE, {"source": default_source()}, han, typed)
    row = (await confirmations.ask(session, wish, now=MONDAY_9AM)).row
    refusal = confirmations.Answer(hostile.sun, "rest", typed)
    await confirmations.refuse(session, row.id, refusal, now=MONDAY_9AM)

    sent = await texts(session)
    assert any(as_read(typed) in as_read(one) for one in sent)
    assert [one for one in sent if not is_harmless(one)] == []
    cards = [body["template_card"] for _, body in await bodies(session) if "template_card" in body]
    assert cards
    assert all(address.startswith(f"{PUBLIC}/") for card in cards for address in addresses_in(card))


def test_no_text_goes_out_by_another_way() -> None:
    """Whoever writes the content of a message elsewhere passes the one place that makes it inert by."""
    writers = {
        str(path)
        for path in modules("app")
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in {"TextContent", "GroupTextContent"}
    }
    assert writers == {"app/delivery/send.py"}
    kinds = {str(path) for path in modules("app") for node in ast.walk(tree(path)) if _says_text(node)}
    assert kinds == {"app/delivery/send.py", "app/delivery/compose.py"}


def _says_text(node: ast.AST) -> bool:
    """`{"msgtype": …}`"""
    return isinstance(node, ast.Dict) and any(
        isinstance(key, ast.Constant) and key.value == "msgtype" for key in node.keys
    )
