"""What `user/create` and `user/update` accept, field by field (doc path/90195, path/90197)."""

import re
from typing import Any

from sandbox.company import ACTIVE, Company, Person
from sandbox.errors import PlatformError

NAME_MAX = 64
POSITION_MAX = 128
DEPARTMENTS_MAX = 100
LEADERS_MAX = 5
EMAIL = re.compile(r"(?=.{6,64}$)[^@\s]+@[^@\s]+")
SHAPES = (
    ("mobile", re.compile(r"(\+\d{1,4}[ -]?)?\d{5,15}"), 60103),
    ("email", EMAIL, 60105),
    ("biz_mail", EMAIL, 60143),
    ("telephone", re.compile(r"[0-9+,-]{1,32}"), 301013),
    ("alias", re.compile(r".{1,64}"), 40058),
    ("address", re.compile(r".{1,128}"), 40058),
)
ORDER_LIMIT = 2**32
PLAIN_FIELDS = frozenset(
    [
        "name",
        "position",
        "gender",
        "telephone",
        "alias",
        "address",
        "external_position",
        "extattr",
        "email",
        "biz_mail",
        "mobile",
    ]
)


def placement(
    company: Company, fields: dict[str, Any], person: Person | None
) -> tuple[list[int], list[int], list[int]]:
    """Departments with order and leader flags, all of one length (60132)."""
    given = fields.get("department")
    if given is None and person is None:
        raise PlatformError(41019)
    kept_departments = list(person.departments) if person else []
    departments = list(dict.fromkeys(numbers(given, 60123))) if given is not None else kept_departments
    if not departments:
        raise PlatformError(41019)
    if len(departments) > DEPARTMENTS_MAX:
        raise PlatformError(60110)
    for department_id in departments:
        company.department(department_id, errcode=60123)
    old_order = dict(zip(kept_departments, person.order, strict=True)) if person else {}
    old_leads = dict(zip(kept_departments, person.leads, strict=True)) if person else {}
    order = _parallel(fields.get("order"), departments, old_order)
    leads = _parallel(fields.get("is_leader_in_dept"), departments, old_leads)
    return departments, order, leads


def _parallel(given: Any, departments: list[int], kept: dict[int, int]) -> list[int]:
    if given is None:
        return [kept.get(department_id, 0) for department_id in departments]
    values = numbers(given, 60132)
    if len(values) != len(departments):
        raise PlatformError(60132)
    return values


def checked_fields(company: Company, fields: dict[str, Any], person: Person | None, *, by_api: bool) -> dict[str, Any]:
    """The plain fields of a create or update, validated and renamed to those of `Person`."""
    values = {name: fields[name] for name in PLAIN_FIELDS if fields.get(name) is not None}
    if any(isinstance(value, dict | list) for name, value in values.items() if name != "extattr"):
        raise PlatformError(40058, "a text was expected")
    if not isinstance(values.get("extattr", {}), dict):
        raise PlatformError(40058, "extattr is an object")
    if "name" in values and not 1 <= len(str(values["name"])) <= NAME_MAX:
        raise PlatformError(60112)
    if len(str(values.get("position", ""))) > POSITION_MAX:
        raise PlatformError(301012)
    _check_shapes(values)
    if person is not None and person.status == ACTIVE and by_api:
        values.pop("mobile", None)  # ignored without an error for an activated member (doc path/90197)
    _check_unique(company, values, person)
    if "direct_leader" in fields:
        values["direct_leaders"] = _leader_serials(company, fields["direct_leader"])
    if "main_department" in fields:
        values["main_department"] = number(fields["main_department"], 60123)
    return values


def _check_shapes(values: dict[str, Any]) -> None:
    """Each field's own form; an empty value clears the field."""
    for field, form, errcode in SHAPES:
        value = str(values.get(field) or "")
        if value and not form.fullmatch(value):
            raise PlatformError(errcode, field)


def _check_unique(company: Company, values: dict[str, Any], person: Person | None) -> None:
    for field, errcode in (("mobile", 60104), ("email", 60106), ("biz_mail", 60145)):
        wanted = values.get(field)
        if wanted and any(getattr(p, field) == wanted for p in company.people.values() if p is not person):
            raise PlatformError(errcode)


def _leader_serials(company: Company, given: Any) -> list[int]:
    userids = given if isinstance(given, list) else [given] if given else []
    if len(userids) > LEADERS_MAX:
        raise PlatformError(60257)
    return [company.person(str(userid)).serial for userid in userids]


def number(value: Any, errcode: int) -> int:
    if isinstance(value, bool) or not str(value).lstrip("-").isdigit() or not 0 <= int(value) < ORDER_LIMIT:
        raise PlatformError(errcode)
    return int(value)


def numbers(value: Any, errcode: int) -> list[int]:
    values = value if isinstance(value, list) else [value]
    return [number(v, errcode) for v in values]
