"""The CSV files of imports: UTF-8, one header line in Chinese or by the API's field names (doc path/90980).

The platform offers a template with Chinese headings; whoever writes the file himself often uses the names
of the fields. Both are taken. Only columns that are there change anything.
"""

import csv
import io
from typing import Any

from sandbox.errors import PlatformError

Fields = dict[str, Any]

MEMBER_COLUMNS = {
    "姓名": "name",
    "账号": "userid",
    "帐号": "userid",
    "手机号": "mobile",
    "手机": "mobile",
    "邮箱": "email",
    "个人邮箱": "email",
    "企业邮箱": "biz_mail",
    "所在部门": "department",
    "部门": "department",
    "职位": "position",
    "职务": "position",
    "性别": "gender",
    "是否部门负责人": "is_leader_in_dept",
    "是否部门内领导": "is_leader_in_dept",
    "排序": "order",
    "部门内排序": "order",
    "别名": "alias",
    "地址": "address",
    "座机": "telephone",
    "主部门": "main_department",
    "直属上级": "direct_leader",
    "启用": "enable",
}
PARTY_COLUMNS = {
    "部门名称": "name",
    "部门": "name",
    "名称": "name",
    "部门ID": "id",
    "部门id": "id",
    "父部门ID": "parentid",
    "父部门id": "parentid",
    "上级部门ID": "parentid",
    "排序": "order",
}
LISTS = frozenset(["department", "order", "is_leader_in_dept"])
GENDERS = {"男": "1", "女": "2"}


def member_rows(content: bytes) -> list[Fields]:
    """The members of a file; 40092 when it is none, 302003 when somebody is in it twice."""
    rows = _rows(content, MEMBER_COLUMNS, required={"userid"})
    userids = [str(row.get("userid", "")).lower() for row in rows]
    if len(set(userids)) != len(userids):
        raise PlatformError(302003)
    return [_member(row) for row in rows]


def _member(row: dict[str, str]) -> Fields:
    fields: Fields = {name: value for name, value in row.items() if value != "" or name in {"position", "alias"}}
    for name in LISTS & set(fields):
        fields[name] = [part for part in fields[name].split(";") if part]
    if fields.get("gender") in GENDERS:
        fields["gender"] = GENDERS[fields["gender"]]
    if "direct_leader" in fields:
        fields["direct_leader"] = fields["direct_leader"].split(";")
    return fields


def party_rows(content: bytes) -> list[Fields]:
    """The departments of a file, parents first; 302004, 302006, 302007 when it is no tree."""
    rows = _rows(content, PARTY_COLUMNS, required={"name", "id", "parentid"})
    parties = [_party(row) for row in rows]
    if len({party["id"] for party in parties}) != len(parties):
        raise PlatformError(302006)
    if len({(party["parentid"], party["name"]) for party in parties}) != len(parties):
        raise PlatformError(302007)
    return _parents_first(parties)


def _party(row: dict[str, str]) -> Fields:
    """An empty order, or 0, leaves the order as it is."""
    order = _whole(row.get("order") or "0")
    party = {"id": _whole(row["id"]), "name": row["name"], "parentid": _whole(row["parentid"] or "0")}
    return party | ({"order": order} if order else {})


def _parents_first(parties: list[Fields]) -> list[Fields]:
    listed = {party["id"] for party in parties}
    placed: set[int] = set()
    found: list[Fields] = []
    waiting = parties
    while waiting:
        ready = [p for p in waiting if p["parentid"] not in listed or p["parentid"] in placed]
        if not ready:
            raise PlatformError(302004)
        found += ready
        placed |= {p["id"] for p in ready}
        waiting = [p for p in waiting if p["id"] not in placed]
    return found


def _whole(text: str) -> int:
    if not text.isdigit():
        raise PlatformError(40092, text)
    return int(text)


def _rows(content: bytes, columns: dict[str, str], *, required: set[str]) -> list[dict[str, str]]:
    try:
        lines = list(csv.reader(io.StringIO(content.decode("utf-8-sig")), strict=True))
    except (UnicodeDecodeError, csv.Error) as error:
        raise PlatformError(40092) from error
    if not lines:
        raise PlatformError(40092)
    names = [columns.get(heading.strip(), heading.strip()) for heading in lines[0]]
    if not required <= set(names):
        raise PlatformError(40092, "columns missing")
    body = [line for line in lines[1:] if any(cell.strip() for cell in line)]
    if any(len(line) != len(names) for line in body):
        raise PlatformError(40092, "lines of different length")
    known = set(columns.values())
    return [{n: cell.strip() for n, cell in zip(names, line, strict=True) if n in known} for line in body]
