"""Sensitive words in what members of the company write to customers (doc path/95097).

The only rule by API that keeps a message from being delivered. Nobody is told of a hit.
"""

import secrets
from typing import Any

from sandbox.api.call import Call, Endpoint, Fidelity
from sandbox.api.customer_groups import allowed_app
from sandbox.customers import Rule
from sandbox.errors import PlatformError, ok

NAME_CHARACTERS = 20
WORDS_MOST = 300
WORD_CHARACTERS = 32
RULES_MOST = 100
RANGE_MOST = 1_000
USERS_PER_RULE = 10_000
BLOCK, WARN = 1, 2

Range = tuple[dict[int, None], dict[int, None]]


def add_intercept_rule(call: Call) -> dict[str, Any]:
    allowed_app(call)
    desk = call.state.customers
    name = _name(call, besides=None)
    words, semantics = _words(call.list_of("word_list")), _semantics(call.list_of("semantics_list"))
    users, departments = _range(call, call.body.get("applicable_range"))
    if not words and not semantics:
        raise PlatformError(41083, "neither words nor semantics")
    if not users and not departments:
        raise PlatformError(40058, "applicable_range is missing")
    intercepts = _intercepts(call.body.get("intercept_type"))
    if len(desk.rules) >= RULES_MOST:
        raise PlatformError(41069)
    now = int(call.state.now())
    rule = Rule(secrets.token_urlsafe(16), call.identity, name, now, words, semantics, intercepts, users, departments)
    desk.rules[rule.id] = rule
    return ok(rule_id=rule.id)


def get_intercept_rule_list(call: Call) -> dict[str, Any]:
    """Of the whole company, whoever made them."""
    allowed_app(call)
    rows = [
        {"rule_id": rule.id, "rule_name": rule.name, "create_time": rule.create_time}
        for rule in call.state.customers.rules.values()
    ]
    return ok(rule_list=rows)


def get_intercept_rule(call: Call) -> dict[str, Any]:
    """The range is cut to what the app sees."""
    allowed_app(call)
    rule, company, sight = _known(call), call.state.company, call.sight
    people = (company.people[serial] for serial in rule.users if serial in company.people)
    departments = [d for d in rule.departments if d in company.departments and sight.sees_department(d)]
    shown = {
        "rule_id": rule.id,
        "rule_name": rule.name,
        "word_list": rule.words,
        "extra_rule": {"semantics_list": rule.semantics},
        "intercept_type": BLOCK if rule.intercepts else WARN,
        "applicable_range": {
            "user_list": [person.userid for person in people if sight.sees_person(person)],
            "department_list": departments,
        },
    }
    return ok(rule=shown)


def update_intercept_rule(call: Call) -> dict[str, Any]:
    """Only what is given changes. Here the semantics stand inside `extra_rule`."""
    allowed_app(call)
    rule, body = _own(call), call.body
    name = _name(call, besides=rule) if "rule_name" in body else rule.name
    words = _words(call.list_of("word_list")) if "word_list" in body else rule.words
    extra = body.get("extra_rule") or {}
    semantics = _semantics(extra["semantics_list"]) if "semantics_list" in extra else rule.semantics
    intercepts = _intercepts(body["intercept_type"]) if "intercept_type" in body else rule.intercepts
    more, fewer = (_range(call, body.get(f"{verb}_applicable_range")) for verb in ("add", "remove"))
    users = {serial: None for serial in rule.users | more[0] if serial not in fewer[0]}
    departments = {d: None for d in rule.departments | more[1] if d not in fewer[1]}
    if len(users) > USERS_PER_RULE:
        raise PlatformError(41076)
    rule.name, rule.words, rule.semantics, rule.intercepts = name, words, semantics, intercepts
    rule.users, rule.departments = users, departments
    return ok()


def del_intercept_rule(call: Call) -> dict[str, Any]:
    allowed_app(call)
    rule = _own(call)
    del call.state.customers.rules[rule.id]
    call.state.customers.deleted_rules.add(rule.id)
    return ok()


def _known(call: Call) -> Rule:
    """41071 for a deleted one, 41070 for any other that is not there."""
    rule_id = str(call.body.get("rule_id") or "")
    rule = call.state.customers.rules.get(rule_id)
    if rule is None:
        raise PlatformError(41071 if rule_id in call.state.customers.deleted_rules else 41070)
    return rule


def _own(call: Call) -> Rule:
    rule = _known(call)
    if rule.agent != call.identity:
        raise PlatformError(48002)
    return rule


def _name(call: Call, *, besides: Rule | None) -> str:
    name = call.body.get("rule_name")
    if not isinstance(name, str) or not 1 <= len(name) <= NAME_CHARACTERS:
        raise PlatformError(40058, "rule_name takes 1 to 20 characters")
    if any(rule.name == name and rule is not besides for rule in call.state.customers.rules.values()):
        raise PlatformError(41077)
    return name


def _words(words: list[Any]) -> list[str]:
    if len(words) > WORDS_MOST:
        raise PlatformError(41068)
    if not all(isinstance(word, str) and 1 <= len(word) <= WORD_CHARACTERS for word in words):
        raise PlatformError(41083)
    return words


def _semantics(semantics: Any) -> list[int]:
    if not isinstance(semantics, list) or not set(semantics) <= {1, 2, 3}:
        raise PlatformError(41084)
    return semantics


def _intercepts(value: Any) -> bool:
    if value not in {BLOCK, WARN}:
        raise PlatformError(40058, "intercept_type is 1 or 2")
    return bool(value == BLOCK)


def _range(call: Call, given: Any) -> Range:
    """At most 1,000 of each in one call (41076); 60011 for what the app does not see."""
    if given is None:
        return {}, {}
    userids, departments = given.get("user_list") or [], given.get("department_list") or []
    if len(userids) > RANGE_MOST or len(departments) > RANGE_MOST:
        raise PlatformError(41076)
    people = [call.state.company.person(str(userid), errcode=40031) for userid in userids]
    for department in departments:
        call.state.company.department(int(department), errcode=40066)
    sight = call.sight
    if not all(map(sight.sees_person, people)) or not all(sight.sees_department(int(d)) for d in departments):
        raise PlatformError(60011)
    return dict.fromkeys(person.serial for person in people), dict.fromkeys(int(d) for d in departments)


def _endpoint(method: str, handle: Any) -> Endpoint:
    return Endpoint(
        method,
        handle,
        fidelity=Fidelity.SIMPLIFIED,
        source="path/95097",
        note="只作用于客户群；语义只识别手机号与邮箱，红包不识别",
        note_en="concerns customer groups alone; phone numbers and addresses are recognised, red packets are not",
    )


ENDPOINTS = {
    "externalcontact/add_intercept_rule": _endpoint("POST", add_intercept_rule),
    "externalcontact/get_intercept_rule_list": _endpoint("GET", get_intercept_rule_list),
    "externalcontact/get_intercept_rule": _endpoint("POST", get_intercept_rule),
    "externalcontact/update_intercept_rule": _endpoint("POST", update_intercept_rule),
    "externalcontact/del_intercept_rule": _endpoint("POST", del_intercept_rule),
}
