"""Policy 1.3: which name a group may have and what the platform keeps of it. Pure."""

from __future__ import annotations

import re

from app.groups.errors import NameRefused
from app.policy.sections.groups import GroupTypeRule
from app.policy.sections.values import PLATFORM_NAME_LENGTH
from app.policy.service import Citation
from app.quotes import quoted

DASHES = str.maketrans(dict.fromkeys("－—–‐‑−", "-"))
"""What people type for a dash, in Chinese and in English input: one dash to the pattern of a group type."""


def shown_name(name: str) -> str:
    """What the platform keeps of a name. It cuts longer names without an error."""
    return name[:PLATFORM_NAME_LENGTH]


def check_name(name: str, rule: GroupTypeRule, *, longest: int, citation: Citation) -> None:
    """Policy 1.3, checked before the platform cuts a name that is too long. Any dash is a dash."""
    longest = min(longest, PLATFORM_NAME_LENGTH)
    if len(name) > longest:
        raise NameRefused(
            f"群名称最多 {longest} 个字符，{quoted(name)}有 {len(name)} 个（{citation.label}）",
            f"The name of a group has at most {longest} characters and {quoted(name)} has {len(name)} "
            f"({citation.english})",
            longest=longest,
        )
    if not re.fullmatch(rule.name_pattern, name.translate(DASHES)):
        raise NameRefused(
            f"{rule.title}的名称应为{quoted(rule.name_hint)}，{quoted(name)}不符合（{citation.label}）",
            f"The name of a group of the type {rule.title} looks like {quoted(rule.name_hint)}; "
            f"{quoted(name)} does not ({citation.english})",
            hint=rule.name_hint,
        )
