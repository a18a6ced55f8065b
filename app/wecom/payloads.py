"""What the platform answers, as values under our names.

The platform's names and shapes stop here: `parentid`, `department_leader`, lists joined by `|`, numbers as strings.
Rows are read leniently (a strange field is dropped, never the person it belongs to); a missing list is an error of the
answer, because an empty organisation must never be read out of a wrong one (P6).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, TypeVar

from pydantic import (
    AliasPath,
    BaseModel,
    ConfigDict,
    Field,
    PrivateAttr,
    ValidationError,
    model_validator,
)

from app.observability import get_logger
from app.wecom.answers.faults import Fault, misfits, repairs, row_name
from app.wecom.answers.repair import RepairedAnswer
from app.wecom.errors import HttpFailure
from app.wecom.fields import (
    USUAL_LIFETIME,
    Flag,
    FoldedNames,
    Id,
    Lifetime,
    MaybeMoment,
    MaybeNumber,
    MaybeText,
    Names,
    Number,
    NumberId,
    Numbers,
    Text,
    flag,
    items,
    whole,
    whole_or_zero,
)
from models.ids import LARGEST_NUMBER

log = get_logger()


class Payload(BaseModel):
    model_config = ConfigDict(
        frozen=True, extra="ignore", validate_by_name=True, validate_by_alias=True, coerce_numbers_to_str=True
    )

    numbers: ClassVar[tuple[str, ...]] = ()
    """The platform's names of fields that hold numbers, where somebody is told of one that does not."""
    _faults: tuple[Fault, ...] = PrivateAttr(default=())

    @property
    def faults(self) -> tuple[Fault, ...]:
        """What of the row could not be taken as it came."""
        return self._faults

    def note(self, raw: Any, *, is_repaired: bool) -> None:
        """Keep the faults of the row that this was read from."""
        if faults := [*misfits(raw, self.numbers), *(repairs(raw) if is_repaired else ())]:
            self._faults = (*self._faults, *faults)


P = TypeVar("P", bound=Payload)


class IssuedToken(Payload):
    access_token: str = Field(min_length=1, max_length=512, repr=False)
    expires_in: Lifetime = Field(default=USUAL_LIFETIME, gt=0)


# --------------------------------------------------------------------------- departments


class DepartmentRef(Payload):
    """A department as `department/simplelist` tells it: ids only."""

    numbers = ("parentid", "order")

    id: NumberId
    parent_id: MaybeNumber = Field(default=None, alias="parentid")
    order: Number = 0
    """Larger sorts first."""


class DepartmentDetail(DepartmentRef):
    name: Text = ""
    leader_userids: Names = Field(default_factory=list, alias="department_leader")


# --------------------------------------------------------------------------- members


class UserIdPage(Payload):
    """A page of `user/list_id`: one row per (person, department)."""

    rows: list[tuple[str, int]]
    lost: list[str] = Field(default_factory=list)
    """What names the rows that could not be read at all."""
    next_cursor: Text = ""
    """Empty at the end, and only then: a short page is not the end."""


class UserDepartment(Payload):
    userid: Id
    department: Number = 0
    """0 for one that is no number: the person is there all the same."""


class UserSimple(Payload):
    userid: Id
    name: Text = ""
    department_ids: Numbers = Field(default_factory=list, alias="department")


DISABLED = 2
ENABLED = frozenset({1, 4})
"""Active, and not activated yet."""


class UserDetail(Payload):
    """A member as far as this credential may see: for a newer app without mobile, e-mail and avatar."""

    numbers = ("department", "order", "main_department", "status")

    userid: Id
    name: Text = ""
    alias: Text = ""
    position: Text = ""
    status: MaybeNumber = None
    """1 active, 2 disabled, 4 not activated, 5 left; None when it was not told."""
    department_ids: list[int] = Field(default_factory=list)
    orders: list[int] = Field(default_factory=list)
    """Same length as `department_ids`; larger sorts first."""
    leader_flags: list[bool] = Field(default_factory=list)
    """Same length as `department_ids`."""
    main_department_id: MaybeNumber = Field(default=None, alias="main_department")
    direct_leader_userids: Names = Field(default_factory=list, alias="direct_leader")
    extra: dict[str, str] = Field(default_factory=dict)
    """Extended attributes by name."""

    @model_validator(mode="before")
    @classmethod
    def _from_platform(cls, raw: Any) -> Any:
        if not isinstance(raw, dict) or "department_ids" in raw:
            return raw
        ids, orders, flags = _memberships(raw)
        return raw | {
            "department_ids": ids,
            "orders": orders,
            "leader_flags": flags,
            "extra": _attributes(raw.get("extattr")),
            "status": _status(raw),
        }


def _status(raw: Mapping[str, Any]) -> Any:
    """`enable: 0` is disabled, whatever `status` still says (doc path/90195)."""
    status = raw.get("status")
    return DISABLED if whole(raw.get("enable")) == 0 and whole(status) in ENABLED else status


def _memberships(raw: Mapping[str, Any]) -> tuple[list[int], list[int], list[bool]]:
    """Three lists of the platform that belong together by position; the last two may be short or missing."""
    departments, orders, flags = (items(raw.get(name)) for name in ("department", "order", "is_leader_in_dept"))
    orders += [0] * (len(departments) - len(orders))
    flags += [0] * (len(departments) - len(flags))
    rows = [
        (number, whole_or_zero(order), flag(leads))
        for department, order, leads in zip(departments, orders, flags, strict=False)
        if (number := whole(department)) is not None
    ]
    return [row[0] for row in rows], [row[1] for row in rows], [row[2] for row in rows]


def _attributes(extattr: Any) -> dict[str, str]:
    """Extended attributes of type 0 (text) and 1 (web page)."""
    attrs = items(extattr.get("attrs")) if isinstance(extattr, dict) else []
    return {str(attr["name"]): _attribute(attr) for attr in attrs if isinstance(attr, dict) and attr.get("name")}


def _attribute(attr: Mapping[str, Any]) -> str:
    text, web = attr.get("text"), attr.get("web")
    if isinstance(text, dict) and text.get("value") is not None:
        return str(text["value"])
    if isinstance(web, dict):
        return str(web.get("url") or "")
    return str(attr.get("value") or "")


# --------------------------------------------------------------------------- tags, groups, the app


class TagRef(Payload):
    id: NumberId = Field(alias="tagid")
    name: Text = Field(default="", alias="tagname")


class TagDetail(Payload):
    """Members are cut to the caller's range; who belongs through a department is not listed."""

    numbers = ("partylist",)

    name: Text = Field(default="", alias="tagname")
    userids: list[str]
    department_ids: Numbers = Field(default_factory=list, alias="partylist")


class ChatInfo(Payload):
    chatid: Id
    name: Text = ""
    owner: Text = ""
    userids: Names = Field(alias="userlist", min_length=1)
    """Everybody in it. A group without anybody does not exist: such an answer is not believed."""


class AgentInfo(Payload):
    """The app as the platform sees it: its visible range first of all."""

    agent_id: Number = Field(default=0, alias="agentid")
    name: Text = ""
    closed: Flag = Field(default=False, alias="close")
    user_ids: list[str] = Field(default_factory=list)
    party_ids: Numbers = Field(default_factory=list, validation_alias=AliasPath("allow_partys", "partyid"))
    tag_ids: Numbers = Field(default_factory=list, validation_alias=AliasPath("allow_tags", "tagid"))
    home_url: Text = ""
    redirect_domain: Text = ""

    @model_validator(mode="before")
    @classmethod
    def _from_platform(cls, raw: Any) -> Any:
        if not isinstance(raw, dict) or "user_ids" in raw:
            return raw
        allowed = raw.get("allow_userinfos")
        users = items(allowed.get("user")) if isinstance(allowed, dict) else []
        return raw | {
            "user_ids": [str(user["userid"]) for user in users if isinstance(user, dict) and "userid" in user]
        }


class VisitorInfo(Payload):
    """Who stands behind a code (callbacks §6.1). The legacy call spells its keys UserId and OpenId."""

    userid: Text = ""
    """Of a linked corp: `CorpId/userid`. Empty for somebody who is no member."""
    openid: Text = ""

    @model_validator(mode="before")
    @classmethod
    def _whatever_the_case(cls, raw: Any) -> Any:
        return {str(key).lower(): value for key, value in raw.items()} if isinstance(raw, dict) else raw


# --------------------------------------------------------------------------- writes


class CallAnswer(Payload):
    """The answer of a write. errcode 0 does not say that everybody was reached: look at the lists."""

    errcode: int = 0
    msgid: MaybeText = None
    response_code: MaybeText = Field(default=None, repr=False)
    """Updates the card once, within 72 hours."""
    chatid: MaybeText = None
    invalid_userids: FoldedNames = Field(default_factory=list, alias="invaliduser")
    """Folded: the platform returns them in lower case anyway."""
    invalid_parties: Numbers = Field(default_factory=list, alias="invalidparty")
    invalid_tags: Numbers = Field(default_factory=list, alias="invalidtag")
    unlicensed_userids: FoldedNames = Field(default_factory=list, alias="unlicenseduser")
    raw: dict[str, Any] = Field(default_factory=dict, repr=False)


class MediaRef(Payload):
    """An uploaded file. The platform keeps it for three days."""

    type: Text = ""
    media_id: Id
    created_at: MaybeMoment = None


# --------------------------------------------------------------------------- reading answers


class Rows(list[P]):
    """Rows as values, and what names those that could not be read at all (they have no id)."""

    def __init__(self, rows: Iterable[P] = (), *, lost: Iterable[str] = ()) -> None:
        super().__init__(rows)
        self.lost = list(lost)


def read(kind: type[P], answer: Any, *, path: str, is_repaired: bool = False) -> P:
    """The answer, or the part of it, as a value. One that lacks what it must have is no answer."""
    try:
        found = kind.model_validate(answer)
    except ValidationError as error:
        raise _wrong(path, error) from None
    found.note(answer, is_repaired=is_repaired or isinstance(answer, RepairedAnswer))
    return found


def read_rows(kind: type[P], answer: Mapping[str, Any], key: str, *, path: str) -> Rows[P]:
    """The rows under `key`. A row that cannot be read at all (it has no id) is left out, logged and named."""
    found: Rows[P] = Rows()
    is_repaired = isinstance(answer, RepairedAnswer)
    for raw in _rows(answer, key, path):
        row = _row(kind, raw, path)
        if row is None:
            found.lost.append(row_name(raw))
            continue
        row.note(raw, is_repaired=is_repaired)
        found.append(row)
    return found


def read_memberships(answer: Mapping[str, Any], key: str, *, path: str) -> tuple[list[tuple[str, int]], list[str]]:
    """(userid, department) pairs, and what names the rows that are none.

    A hundred thousand of them are read in a sync, so the ordinary row is not made a model.
    """
    pairs: list[tuple[str, int]] = []
    lost: list[str] = []
    for raw in _rows(answer, key, path):
        pair = _plain_pair(raw) or _pair(raw, path)
        if pair is None:
            lost.append(row_name(raw))
        else:
            pairs.append(pair)
    return pairs, lost


def _plain_pair(raw: Any) -> tuple[str, int] | None:
    if not isinstance(raw, dict):
        return None
    userid, department = raw.get("userid"), raw.get("department")
    if isinstance(userid, str) and userid and isinstance(department, int) and department <= LARGEST_NUMBER:
        return userid, department
    return None


def _pair(raw: Any, path: str) -> tuple[str, int] | None:
    row = _row(UserDepartment, raw, path)
    return None if row is None else (row.userid, row.department)


def _rows(answer: Mapping[str, Any], key: str, path: str) -> list[Any]:
    rows = answer.get(key)
    if not isinstance(rows, list):
        raise HttpFailure(path, f"the answer has no list {key}", status=200)
    return rows


def _row(kind: type[P], raw: Any, path: str) -> P | None:
    try:
        return kind.model_validate(raw)
    except ValidationError as error:
        log.warning("platform.row_unreadable", path=path, faults=_faults(error))
        return None


def _wrong(path: str, error: ValidationError) -> HttpFailure:
    return HttpFailure(path, f"the answer lacks {_faults(error)}", status=200)


def _faults(error: ValidationError) -> str:
    """Where, never what: values stay out of logs."""
    return ", ".join(".".join(str(part) for part in fault["loc"]) or "form" for fault in error.errors())
