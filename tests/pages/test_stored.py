"""What is stored in Chinese reads in English: every row and title that our code writes, and nothing of people's own."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from app.access.keys.powers import Powers
from app.bootstrap import REGISTRY
from app.console.setting_words import ENGLISH
from app.pages.drawing.messages import browser_in_english, in_english, row_in_english
from app.settings import setting_names
from app.web.scopes import EVERYTHING
from models.access import ActAs
from tests.architecture.source import ROOT

CHINESE: Final = re.compile(r"[一-鿿]")

DESCRIBING: Final = (
    "app/groups/requests.py",
    "app/groups/succession/requests.py",
    "app/confirmations/acts.py",
    "app/access/authority/two_person.py",
    "app/access/keys/two_person.py",
    "app/announcements/jobs.py",
)
"""Modules that write rows for whoever decides."""


def labels(path: str) -> Iterator[str]:
    """The first of each pair that begins with a Chinese text."""
    for node in ast.walk(ast.parse(Path(ROOT / path).read_text(encoding="utf-8"))):
        if isinstance(node, ast.Tuple) and len(node.elts) == 2:
            first = node.elts[0]
            if isinstance(first, ast.Constant) and isinstance(first.value, str) and CHINESE.search(first.value):
                yield first.value


@pytest.mark.parametrize("path", DESCRIBING)
def test_every_row_has_its_english(path: str) -> None:
    found = set(labels(path))
    assert found
    assert {label for label in found if CHINESE.search(in_english(label))} == set()


def test_every_act_of_two_people_has_its_english() -> None:
    titles = {handler.title.chinese: handler.title.english for handler in REGISTRY.two_person_acts.values()}
    assert {title: in_english(title) for title in titles} == titles


@pytest.mark.parametrize(
    ("stored", "english"),
    [
        ("申请建立群“项目-新品”", "Apply to create the group “项目-新品”"),
        ("申请加入“研发部-‘新’品”", "Apply to join “研发部-‘新’品”"),
        ("申请陈晨退出“研发部”", "Apply for 陈晨 to leave “研发部”"),
        ("接任“研发部”的群主", "Become the owner of “研发部”"),
        ("研发部及其下级、王芳、赵云 等 20 人", "研发部 with everything below, 王芳, 赵云 and others, 20 people"),
        ("6 人中的 1 人", "1 of 6 people"),
        ("李军（离职）", "李军 (left)"),
        ("整理验收单", "整理验收单"),
    ],
)
def test_sentences_keep_their_names(stored: str, english: str) -> None:
    assert in_english(stored) == english


def test_what_somebody_wrote_stays_as_it_is() -> None:
    assert row_in_english("研发部及其下级", "正文") == "研发部及其下级"
    assert row_in_english("立即", "用途") == "立即"
    assert row_in_english("立即", "生效") == "at once"


def test_a_browser_is_called_by_its_english_name() -> None:
    assert browser_in_english("企业微信（Android）") == "WeCom (Android)"


def test_every_setting_has_its_english() -> None:
    assert set(ENGLISH) == {name for name, _ in setting_names()}
    assert [text for text in ENGLISH.values() if CHINESE.search(text)] == []


@pytest.mark.parametrize("act_as", list(ActAs))
@pytest.mark.parametrize("scopes", [[EVERYTHING], ["requests:write", "org:read", "deliveries:content", "tasks:act"]])
def test_what_a_key_may_is_said_in_english(scopes: list[str], act_as: ActAs) -> None:
    powers = Powers(scopes, act_as, ["Sales"])
    assert not CHINESE.search(powers.english)
    assert powers.english.startswith("May ")


def test_a_key_for_a_department_says_whose_acts_it_does() -> None:
    powers = Powers(["requests:decide", "org:read"], ActAs.DEPARTMENTS, ["Sales"])
    assert (
        powers.english == "May read the organisation; may decide requests for people of Sales and of everything below"
    )
