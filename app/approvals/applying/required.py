"""What an application must say (policy 2.1, 2.5): `requires` of the policy, for the kind and the type of group."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from app.approvals import rules
from app.approvals.errors import IncompleteApplication
from app.approvals.kinds import RequestKind, Submission
from app.policy.sections.groups import Requirement

_WORDS: dict[Requirement, tuple[str, str]] = {
    "name": ("真实姓名", "the true name"),
    "title": ("职务", "the title"),
    "contact": ("联系方式（电话、分机或邮箱）", "a contact (telephone, extension or e-mail)"),
    "reason": ("工作理由", "the reason"),
}
_CONTACT = (
    f"联系方式至少含 {rules.FEWEST_OF_A_CONTACT} 位数字或字母",
    f"a contact has {rules.FEWEST_OF_A_CONTACT} digits or Latin letters at least",
)


def _what(wanting: Requirement) -> str:
    asked = f"请写明{_WORDS[wanting][0]}"
    return f"{asked}，{_CONTACT[0]}" if wanting == "contact" else asked


def _what_in_english(wanting: Requirement) -> str:
    asked = f"Say {_WORDS[wanting][1]}"
    return f"{asked}; {_CONTACT[1]}" if wanting == "contact" else asked


def check_complete(
    kind: RequestKind[Any, Any], reason: str, submission: Submission, asked: Sequence[Requirement]
) -> None:
    """Raise IncompleteApplication with everything that is wanting, each by its member of the body."""
    details = submission.details
    said = {"name": details.name, "title": details.title, "contact": details.contact, "reason": reason}
    wanting = [one for one in asked if not rules.says_it(one, said[one])]
    if not wanting:
        return
    places = {one: "reason" if one == "reason" else f"payload.{one}" for one in wanting}
    clause = submission.policy.cite(kind.rule_key)
    in_chinese = "、".join(_WORDS[one][0] for one in wanting)
    in_english = ", ".join(_WORDS[one][1] for one in wanting)
    counts, counts_in_english = "只有空格或标点的不算写明", "blanks and punctuation say nothing"
    if "contact" in wanting:
        counts = f"{counts}，{_CONTACT[0]}"
        counts_in_english = f"{counts_in_english}, and {_CONTACT[1]}"
    raise IncompleteApplication(
        f"按制度{clause.label}，这份申请还须写明：{in_chinese}。{counts}。",
        f"The application also has to say ({clause.english}): {in_english}; {counts_in_english}",
        english_facts={"faults": [{"where": places[one], "what": _what_in_english(one)} for one in wanting]},
        clause=clause.clause,
        faults=[{"where": places[one], "what": _what(one)} for one in wanting],
    )
