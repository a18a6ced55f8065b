"""What is stored in Chinese, as people were told it, read in English: titles and rows of requests and confirmations.

Such a sentence stays as it was told. Its fixed words have their English here; the names and words of people and of the
policy in it stand as they were written, as does a sentence of which nothing is known.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Final

_FIXED: Final[Mapping[str, str]] = {
    # rows of requests
    "群": "Group",
    "群名称": "Name of the group",
    "密级": "Confidentiality",
    "保密群": "confidential",
    "公开群": "public",
    "类型": "Type",
    "成员": "Members",
    "群主": "Owner",
    "原群主": "Former owner",
    "现群主": "Present owner",
    "副群主": "Deputy",
    "按制度规定": "as the policy says",
    "部门": "Department",
    "用途": "Purpose",
    "职务": "Title",
    "联系方式": "Contact",
    "填写姓名": "Name as written",
    # how requests ended
    "已在群内": "is in the group already",
    "已不在群内": "is in the group no more",
    "群已解散": "the group was dissolved",
    # acts that two people do
    "启用制度": "activate a policy",
    "放行通讯录的减少": "release held losses",
    "向全体发布通知": "announce to everybody",
    "新建接口密钥": "create an API key",
    "改定密钥可代谁办理": "change whom a key acts for",
    "停用接口密钥": "end an API key",
    "在全公司授予权限": "grant access in the whole company",
    "名称": "Name",
    "改动": "Changes",
    "生效": "In force from",
    "立即": "at once",
    "同步": "Sync",
    "原因": "Why",
    "减少超出限额，暂缓未应用": "the losses are above the limits and were not applied",
    "人员": "People",
    "减少的人员": "People gone",
    "减少的部门": "Departments gone",
    "标签": "Tags",
    "放行之后": "Once released",
    "按离职处理": "Treated as leavers",
    "另定群主": "Groups that need an owner",
    "群成员": "Members of groups",
    "权限": "What it may",
    "密钥": "Key",
    "使用": "Use",
    "有效期至": "Ends",
    "长期有效": "without an end",
    "现在": "Now",
    "改定后": "Afterwards",
    "授予": "For",
    "权限组": "Bundle",
    "范围": "Where",
    "截止": "Until",
    "长期": "without an end",
    "理由": "Reason",
    "现在已有": "Has already",
    "没有单独授予的权限": "nothing that was granted",
    "全公司": "the whole company",
    "一个已不存在的群": "a group that is no more",
    "标题": "Title",
    "类别": "Class",
    "接收范围": "For",
    "接收人": "Recipients",
    "请其确认": "To be confirmed",
    "否": "no",
    "正文": "Text",
    "其中": "Among them",
    "发到群": "Posted in groups",
}

_SENTENCES: Final[Mapping[str, str]] = {
    "申请建立群“{name}”": "Apply to create the group “{name}”",
    "申请加入“{name}”": "Apply to join “{name}”",
    "申请退出“{name}”": "Apply to leave “{name}”",
    "申请{whose}加入“{name}”": "Apply for {whose} to join “{name}”",
    "申请{whose}退出“{name}”": "Apply for {whose} to leave “{name}”",
    "接任“{name}”的群主": "Become the owner of “{name}”",
    "{count} 人": "{count} people",
    "{count} 处": "{count} places",
    "{of} 人中的 {lost} 人": "{lost} of {of} people",
    "{of} 个中的 {lost} 个": "{lost} of {of}",
    "{of} 个名额中的 {lost} 个": "{lost} of {of} places",
    "{people} 人立即按离职或停用处理，空出 {places} 个群成员的名额": (
        "{people} people are treated as leavers at once, and {places} places in groups become free"
    ),
    "最近 {days} 天有系统用过，停用后马上不能再调用": (
        "a program has used it in the last {days} days, and can call no more at once"
    ),
    "最近 {days} 天没有系统用过": "no program has used it in the last {days} days",
    "是，期限为{until}": "yes, until {until}",
    "群“{name}”": "the group “{name}”",
}

_IN_A_LIST: Final[Mapping[str, str]] = {
    "{name}及其下级": "{name} with everything below",
    "{name} 等 {count} 人": "{name} and others, {count} people",
    "{name} 等 {count} 项": "{name} and others, {count}",
    "{name}（{count} 人）": "{name} ({count} people)",
    "{name}（离职）": "{name} (left)",
    "{name}（停用）": "{name} (disabled)",
    "{name}（移出可见范围）": "{name} (out of range)",
    "{name}（这次没有读到）": "{name} (missing)",
    "{name}（撤销）": "{name} (ended)",
    "{name} 从 {before} 变为 {after}": "{name} from {before} to {after}",
    "{name}（全公司）": "{name} (the whole company)",
}
"""Of one among names."""

_BLANK: Final = re.compile(r"\{(\w+)\}")
_NUMBERS: Final = frozenset({"count", "of", "lost", "people", "places", "days"})
_DIGITS: Final = r"\d+"
_ANYTHING: Final = ".+?"

_WRITTEN: Final = frozenset(
    {"群", "群名称", "用途", "职务", "联系方式", "填写姓名", "名称", "密钥", "权限组", "理由", "标题", "类别", "正文"}
)
"""Rows with the words of people, or of the policy."""


def in_english(text: str) -> str:
    return _FIXED.get(text) or _filled(_SENTENCES, text) or _listed(text)


def row_in_english(value: str, label: str) -> str:
    """The value of a row. What somebody wrote is no sentence of ours, whatever it says."""
    return value if label in _WRITTEN else in_english(value)


def browser_in_english(name: str) -> str:
    """企业微信（Android）"""
    return name.replace("企业微信", "WeCom").replace("（", " (").replace("）", ")")


def _listed(text: str) -> str:
    parts = text.split("、")
    read = [_filled(_IN_A_LIST, part) or part for part in parts]
    return ", ".join(read) if read != parts else text


def _filled(sentences: Mapping[str, str], text: str) -> str:
    for pattern, english in sentences.items():
        if found := _compiled(pattern).fullmatch(text):
            said = found.groupdict()
            # The quotation marks of what fills a blank are nested already.
            return "".join(said.get(part, part) for part in _BLANK.split(english))
    return ""


@cache
def _compiled(sentence: str) -> re.Pattern[str]:
    """A blank takes what fits, and one of a number digits alone."""
    parts = _BLANK.split(sentence)
    blanks = [f"(?P<{name}>{_DIGITS if name in _NUMBERS else _ANYTHING})" for name in parts[1::2]]
    return re.compile(
        "".join(re.escape(text) + blank for text, blank in zip(parts[::2], [*blanks, ""], strict=True)), re.DOTALL
    )
