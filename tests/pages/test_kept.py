"""F198: what is kept about somebody is told in words (P8), never as a program calls it."""

from __future__ import annotations

from enum import StrEnum

import pytest

from app.bootstrap import REGISTRY
from app.database import transaction
from app.kept_data import KeptRow
from app.pages.drawing.words import words_of
from models.approvals import OutcomeState
from models.org import Person
from tests.pages.world import House

assert REGISTRY.kept_data, "the domains name their rows"
STATES = sorted(
    {
        field.annotation
        for row in KeptRow.__subclasses__()
        for field in row.model_fields.values()
        if isinstance(field.annotation, type) and issubclass(field.annotation, StrEnum)
    },
    key=lambda one: one.__name__,
)


@pytest.mark.parametrize("state", [one for states in STATES for one in states if one != OutcomeState.NONE])
def test_every_state_has_words(state: StrEnum) -> None:
    assert words_of(state) is not None


async def test_ones_own_page_shows_them(house: House) -> None:
    browser = await house.signed_in("li")
    await browser.get("/me/data")
    assert "在职" in browser.text
    assert "扫码" in browser.text or "在企业微信中打开" in browser.text
    for machine_word in ("active", "desktop", "client", "company"):
        assert f"<td>{machine_word}</td>" not in browser.text


@pytest.mark.parametrize(("language", "joined"), [("zh-CN", "han、wang"), ("en-GB", "han, wang")])
async def test_lists_are_joined_as_the_reader_joins_them(house: House, language: str, joined: str) -> None:
    async with transaction(house.services.sessions) as session:
        li = await session.get_one(Person, house.person("li").id)
        li.direct_leader_userids = ["han", "wang"]
    browser = await house.signed_in("li", language=language)
    page = await browser.get("/me/data")
    assert f"<td>{joined}</td>" in page.text
    assert "<td></td>" not in page.text
