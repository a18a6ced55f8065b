"""The values of an application's controls: checked against the template, and completed as the detail shows them.

A shape that differs from the template, or nothing where something is required, is 301025; a wrong value in the
right shape is 301086, as far as the documentation tells them apart (doc path/91853, path/90313).
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from sandbox.approval import Template
from sandbox.conversations import Media
from sandbox.errors import PlatformError
from sandbox.limits import DAY, HOUR
from sandbox.state import SandboxState

FILES_MOST = 6
OVERTIME_DAYS = 7
OVERTIME = 5
NOON = 12 * HOUR
BEIJING = 8 * HOUR
NUMBER = re.compile(r"-?\d+(\.\d+)?")
COORDINATE = re.compile(r"-?\d{1,3}\.\d{1,6}|-?\d{1,3}")
READ_ONLY = frozenset(["PhoneNumber", "BankAccount", "PunchCorrection"])
"""These can be read but not written by API (doc path/91853)."""

Value = dict[str, Any]


@dataclass
class Checked:
    """What the contents turned out to be; `files` become permanent once the application is accepted."""

    contents: list[Value] = field(default_factory=list)
    files: list[Media] = field(default_factory=list)
    leave: tuple[float, float] | None = None
    amount: float = 0.0


class ValueChecker:
    """Checks the contents of one application. Nothing outside it changes."""

    def __init__(self, state: SandboxState, template: Template, *, by_api: bool = True) -> None:
        self.state = state
        self.template = template
        self.by_api = by_api
        self.checked = Checked()

    def check(self, contents: list[Any]) -> Checked:
        given = self._by_id(contents, self.template.controls)
        for control in self.template.controls:
            row = self._row(control, given.get(control["property"]["id"]))
            if row is not None:
                self.checked.contents.append(row)
        if len(self.checked.files) > FILES_MOST:
            raise PlatformError(301086, f"more than {FILES_MOST} files")
        for row in self.checked.contents:
            if row["control"] == "Formula":
                row["value"] = {"formula": {"value": f"{self.checked.amount:g}"}}
        return self.checked

    def _by_id(self, contents: Any, controls: list[Value]) -> dict[str, Value]:
        if not isinstance(contents, list) or not all(isinstance(row, dict) for row in contents):
            raise PlatformError(301025, "contents is not a list of controls")
        kinds = {c["property"]["id"]: c["property"]["control"] for c in controls}
        given: dict[str, Value] = {}
        for row in contents:
            control_id = str(row.get("id"))
            if kinds.get(control_id) != row.get("control") or control_id in given:
                raise PlatformError(301025, f"the template has no {row.get('control')} {control_id}")
            given[control_id] = row
        return given

    def _row(self, control: Value, given: Value | None) -> Value | None:
        about = control["property"]
        kind, value = about["control"], (given or {}).get("value")
        row = {"control": kind, "id": about["id"], "title": about["title"], "hidden": 0}
        if kind == "Tips":
            return row | {"value": {"new_tips": control["config"].get("tips", {})}}
        if kind == "Formula":
            return row | {"value": {}}
        if _is_empty(value):
            if about["require"]:
                raise PlatformError(301025, f"{about['id']} is required")
            return None
        if not isinstance(value, dict):
            raise PlatformError(301025, f"{about['id']}: the value is not an object")
        if kind in READ_ONLY:
            if self.by_api:
                raise PlatformError(301025, f"{kind} cannot be submitted by API")
            return row | {"value": value}
        return row | {"value": self._checks[kind](self, control, value)}

    # One control each

    def _text(self, control: Value, value: Value) -> Value:
        text = _part(value, "text", str, control)
        if control["property"]["control"] == "Text" and "\n" in text:
            raise PlatformError(301086, "Text takes one line")
        return {"text": text}

    def _number(self, control: Value, value: Value) -> Value:
        """Numbers are strings here."""
        name = {"Number": "new_number", "Money": "new_money"}[control["property"]["control"]]
        number = _part(value, name, str, control)
        if not NUMBER.fullmatch(number):
            raise PlatformError(301086, f"{name} is not a number")
        self.checked.amount += float(number)
        return {name: number}

    def _date(self, control: Value, value: Value) -> Value:
        date = _part(value, "date", dict, control)
        wanted = control["config"].get("date", {}).get("type", "day")
        stamp = str(date.get("s_timestamp", ""))
        if date.get("type") != wanted or not stamp.isdigit():
            raise PlatformError(301025, f"a date of type {wanted} is wanted")
        return {"date": {"type": wanted, "s_timestamp": stamp}}

    def _selector(self, control: Value, value: Value) -> Value:
        selector = _part(value, "selector", dict, control)
        wanted = control["config"]["selector"]
        return {"selector": self._chosen(selector, wanted)}

    @staticmethod
    def _chosen(selector: Value, wanted: Value) -> Value:
        options = selector.get("options")
        if selector.get("type", wanted["type"]) != wanted["type"] or not isinstance(options, list) or not options:
            raise PlatformError(301025, f"a selector of type {wanted['type']} with options is wanted")
        known = {option["key"]: option for option in wanted["options"]}
        keys = [option.get("key") for option in options]
        if unknown := [key for key in keys if key not in known]:
            raise PlatformError(301086, f"unknown options {unknown}")
        if wanted["type"] == "single" and len(keys) > 1:
            raise PlatformError(301086, "one option is wanted")
        return {"type": wanted["type"], "options": [known[key] for key in keys]}

    def _contact(self, control: Value, value: Value) -> Value:
        contact = control["config"].get("contact", {"type": "multi", "mode": "user"})
        if contact["mode"] == "department":
            found = [self._department(one) for one in _part(value, "departments", list, control)]
            name = "departments"
        else:
            found = [self._member(one) for one in _part(value, "members", list, control)]
            name = "members"
        if contact["type"] == "single" and len(found) > 1:
            raise PlatformError(301086, "one contact is wanted")
        return {name: found}

    def _member(self, given: Any) -> Value:
        person = self.state.company.find(str(given.get("userid")))
        if person is None:
            raise PlatformError(301086, f"no such member: {given.get('userid')}")
        return {"userid": person.userid, "name": person.name}

    def _department(self, given: Any) -> Value:
        department = self.state.company.departments.get(int(given.get("openapi_id") or 0))
        if department is None:
            raise PlatformError(301086, f"no such department: {given.get('openapi_id')}")
        return {"openapi_id": str(department.id), "name": department.name}

    def _file(self, control: Value, value: Value) -> Value:
        files = []
        for one in _part(value, "files", list, control):
            media = self.state.media.get(str(one.get("file_id")))
            if media is None or media.expires_at <= self.state.now():
                raise PlatformError(40007, str(one.get("file_id")))
            self.checked.files.append(media)
            files.append({"file_id": media.media_id, "file_name": media.filename, "file_size": len(media.content)})
        return {"files": files}

    def _table(self, control: Value, value: Value) -> Value:
        children = control["config"]["table"]["children"]
        rows = []
        for row in _part(value, "children", list, control):
            given = self._by_id(row.get("list"), children)
            if missing := [c["property"]["id"] for c in children if c["property"]["id"] not in given]:
                raise PlatformError(301025, f"a row lacks {missing}")
            cells = [self._row(child, given[child["property"]["id"]]) for child in children]
            rows.append({"list": [cell for cell in cells if cell is not None]})
        return {"children": rows}

    def _range(self, control: Value, value: Value) -> Value:
        wanted = control["config"].get("date_range", {}).get("type", "hour")
        return {"date_range": self._checked_range(_part(value, "date_range", dict, control), wanted)}

    def _checked_range(self, given: Value, wanted: str) -> Value:
        begin, end = _stamp(given, "new_begin"), _stamp(given, "new_end")
        if given.get("type", wanted) != wanted:
            raise PlatformError(301025, f"a range of type {wanted} is wanted")
        if end < begin:
            raise PlatformError(301086, "the end is before the beginning")
        if wanted == "halfday" and any((at + BEIJING) % DAY not in {0, NOON} for at in (begin, end)):
            raise PlatformError(301086, "half days begin at 00:00 or 12:00")
        duration = int(given.get("new_duration") or _length(begin, end, wanted))
        return {"type": wanted, "new_begin": begin, "new_end": end, "new_duration": duration}

    def _attendance(self, control: Value, value: Value) -> Value:
        given = _part(value, "attendance", dict, control)
        wanted = control["config"]["attendance"]
        span = self._checked_range(given.get("date_range") or {}, wanted["date_range"]["type"])
        if int(given.get("type") or wanted["type"]) != wanted["type"]:
            raise PlatformError(301025, f"attendance of type {wanted['type']} is wanted")
        if wanted["type"] == OVERTIME and span["new_end"] - span["new_begin"] > OVERTIME_DAYS * DAY:
            raise PlatformError(301086, "overtime takes at most 7 days")
        self.checked.leave = (span["new_begin"], span["new_end"] + (NOON if span["type"] == "halfday" else 0))
        checked = {"type": wanted["type"], "date_range": span}
        return {"attendance": checked | ({"slice_info": given["slice_info"]} if given.get("slice_info") else {})}

    def _vacation(self, control: Value, value: Value) -> Value:
        vacation = _part(value, "vacation", dict, control)
        chosen = self._chosen(vacation.get("selector") or {}, control["config"]["selector"])
        return {"vacation": {"selector": chosen} | self._attendance(control, vacation)}

    def _location(self, control: Value, value: Value) -> Value:
        place = _part(value, "location", dict, control)
        if not all(COORDINATE.fullmatch(str(place.get(name, ""))) for name in ("latitude", "longitude")):
            raise PlatformError(301086, "coordinates are strings with up to six decimals")
        names = ("latitude", "longitude", "title", "address", "time")
        return {"location": {name: str(place.get(name, "")) for name in names}}

    def _related(self, control: Value, value: Value) -> Value:
        related = _part(value, "related_approval", list, control)
        known = self.state.approvals.applications
        if unknown := [one.get("sp_no") for one in related if str(one.get("sp_no")) not in known]:
            raise PlatformError(301086, f"no such application: {unknown}")
        applications = [known[str(one["sp_no"])] for one in related]
        return {"related_approval": [{"sp_no": a.sp_no, "name": a.template.name} for a in applications]}

    _checks: dict[str, Callable[["ValueChecker", Value, Value], Value]] = {  # noqa: RUF012 - a table, never changed
        "Text": _text,
        "Textarea": _text,
        "Number": _number,
        "Money": _number,
        "Date": _date,
        "Selector": _selector,
        "Contact": _contact,
        "File": _file,
        "Table": _table,
        "DateRange": _range,
        "Attendance": _attendance,
        "Vacation": _vacation,
        "Location": _location,
        "RelatedApproval": _related,
    }


def _is_empty(value: Any) -> bool:
    """Nothing given: absent, an empty object, or one whose only content is empty."""
    if isinstance(value, dict):
        return not value or all(part in ("", None, [], {}) for part in value.values())
    return value in (None, "", [])


def _part(value: Value, name: str, kind: type, control: Value) -> Any:
    part = value.get(name)
    if not isinstance(part, kind) or not part:
        raise PlatformError(301025, f"{control['property']['id']}: {name} is missing or not of the template's form")
    return part


def _stamp(given: Value, name: str) -> int:
    stamp = str(given.get(name, ""))
    if not stamp.isdigit():
        raise PlatformError(301025, f"{name} is not a time")
    return int(stamp)


def _length(begin: int, end: int, kind: str) -> int:
    return end - begin + (NOON if kind == "halfday" else 0)
