"""Whoever reads English reads no Chinese but what people and the company wrote.

Every page is opened in English in a house with one thing of every kind. What the house says itself (names, titles,
reasons, the document of the policy) is taken out; whatever Chinese is left is a text of ours without its English.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from html import unescape
from typing import Any, Final

import yaml

from app.pages.drawing.catalogue import LANGUAGES
from app.policy.document import default_source
from tests.company import CAST, DEPARTMENTS
from tests.pages.every_address import every_address
from tests.pages.everything import READER, everything
from tests.pages.world import House

CHINESE: Final = re.compile(r"[一-鿿]")

WRITTEN: Final = (
    "国庆放假安排",
    "10 月 1 日至 7 日放假。",
    "研发部-新品项目",
    "人力资源部-薪酬调整",
    "日常协作",
    "参加新品联调",
    "工程师",
    "分机 8021",
    "整理验收单",
    "验收单全部勾选并上传",
    "报表系统",
    "请查收周报",
    "年度修订",
    "# 修订",
    "测试",
    "ValueError: 处理时出错",
    "1 人没有读到，超出限额",
)
"""What people typed while the house was furnished, what a program threw, and what a sync has stored."""

IN_CHINESE_ALONE: Final[Mapping[str, str]] = {
    "/console/doctor/examination": "the examination is that of `steward doctor`, which speaks Chinese",
}
"""Pages that quote what has no English yet, and why."""


NAMES: Final = frozenset({*DEPARTMENTS.values(), *(post.name for post in CAST.values())})
SHORT: Final = 5


def leaves(value: Any) -> Iterator[str]:
    """Every text in a document, with its keys."""
    if isinstance(value, dict):
        for key, one in value.items():
            yield from (*leaves(key), *leaves(one))
    elif isinstance(value, list):
        for one in value:
            yield from leaves(one)
    elif isinstance(value, str):
        yield value


def texts_of_the_company() -> list[str]:
    """The longest first: a name may be a part of a sentence."""
    source = default_source()
    # The keys are texts: 1.1 and 1.10 are two clauses and one number.
    document = yaml.load(source, Loader=yaml.BaseLoader)  # noqa: S506 -- it makes texts alone
    policy = {*leaves(document), *source.splitlines()}
    said = {*policy, *WRITTEN, *DEPARTMENTS.values(), *LANGUAGES.values()}
    people = {text for post in CAST.values() for text in (post.name, post.position)}
    lines = {_joined(line) for text in said | people for line in (text, *text.splitlines())}
    return sorted((line for line in lines if CHINESE.search(line)), key=len, reverse=True)


def _joined(text: str) -> str:
    """Lines of the document are joined without a blank, as Chinese is."""
    return "".join(text.split())


@cache
def _pattern(known: str) -> re.Pattern[str]:
    """A short word of the policy, such as 工作, is its own only where it stands alone."""
    around = ("(?<![一-鿿])", "(?![一-鿿])") if len(known) < SHORT and known not in NAMES else ("", "")
    return re.compile(re.escape(known).join(around))


def texts_on(page: str) -> Iterator[str]:
    """What is read or heard: texts, and the attributes that browsers and screen readers show."""
    page = re.sub(r"<(script|style)\b.*?</\1>", "", page, flags=re.DOTALL)
    yield from re.findall(r'(?:title|aria-label|placeholder|alt)="([^"]*)"', page)
    yield from re.sub(r"<[^>]+>", "\n", re.sub(r"<textarea\b.*?</textarea>", "", page, flags=re.DOTALL)).split("\n")


def left_in_chinese(page: str, of_the_company: list[str]) -> list[str]:
    left = []
    for text in texts_on(page):
        said = _joined(unescape(text))
        for known in of_the_company:
            said = _pattern(known).sub("", said)
        if CHINESE.search(said):
            left.append(" ".join(unescape(text).split()))
    return left


async def test_english_pages_say_nothing_in_chinese_but_what_people_wrote(house: House) -> None:
    _, ids = await everything(house.services, house.company)
    of_the_company = texts_of_the_company()
    faults: dict[str, list[str]] = {}
    for userid in (READER, "li"):
        browser = await house.signed_in(userid, language="en-GB")
        for address in every_address(house.app, ids):
            page = await browser.get(address)
            if page.status_code == 200 and address not in IN_CHINESE_ALONE:
                faults[f"{userid} {address}"] = left_in_chinese(page.text, of_the_company)
    assert len(faults) > 90
    assert {page: texts for page, texts in faults.items() if texts} == {}
