"""Who receives: the union of people, departments and tags, and the lists of what was wrong."""

from dataclasses import dataclass, field
from typing import Any

from sandbox.api.call import Call
from sandbox.company import Person
from sandbox.errors import PlatformError
from sandbox.state import App

USERS_MOST = 1_000
PARTIES_MOST = 100
TAGS_MOST = 100
EVERYONE = "@all"


@dataclass
class Audience:
    """`people` is a set that remembers its order; a member matched twice gets one message."""

    people: dict[int, None] = field(default_factory=dict)
    bad_users: list[str] = field(default_factory=list)
    bad_parties: list[str] = field(default_factory=list)
    bad_tags: list[str] = field(default_factory=list)
    unlicensed: list[str] = field(default_factory=list)

    def add(self, person: Person) -> None:
        if person.licensed:
            self.people[person.serial] = None
        elif person.userid not in self.unlicensed:
            self.unlicensed.append(person.userid)

    def as_answer(self) -> dict[str, str]:
        return {
            "invaliduser": "|".join(self.bad_users),
            "invalidparty": "|".join(self.bad_parties),
            "invalidtag": "|".join(self.bad_tags),
            "unlicenseduser": "|".join(self.unlicensed),
        }


def _split(value: Any) -> list[str]:
    return [part for part in str(value or "").split("|") if part]


def of_message(call: Call, app: App) -> Audience:
    """Touser | toparty | totag of `message/send`: 82001, 40032, 82002, 82003, and 81013 if nobody is left."""
    users, parties, tags = (_split(call.body.get(name)) for name in ("touser", "toparty", "totag"))
    if not (users or parties or tags):
        raise PlatformError(82001)
    if len(users) > USERS_MOST:
        raise PlatformError(40032)
    if len(parties) > PARTIES_MOST:
        raise PlatformError(82002)
    if len(tags) > TAGS_MOST:
        raise PlatformError(82003)
    audience = _everyone(call, app) if EVERYONE in users else _named(call, app, users, parties, tags)
    if not audience.people and not audience.unlicensed:
        raise PlatformError(81013)
    return audience


def _everyone(call: Call, app: App) -> Audience:
    audience = Audience()
    for person in call.state.company.people.values():
        if call.state.can_be_reached(app, person):
            audience.add(person)
    return audience


def _named(call: Call, app: App, users: list[str], parties: list[str], tags: list[str]) -> Audience:
    audience = Audience()
    for userid in dict.fromkeys(users):
        person = call.state.company.find(userid)
        if person is None or not call.state.can_be_reached(app, person) or call.is_invalid(userid):
            audience.bad_users.append(userid.lower())
        else:
            audience.add(person)
    for party in parties:
        if not _add_party(call, app, audience, party):
            audience.bad_parties.append(party)
    for tag in tags:
        if not _add_tag(call, app, audience, tag):
            audience.bad_tags.append(tag)
    return audience


def _add_party(call: Call, app: App, audience: Audience, party: str) -> bool:
    company, sight = call.state.company, call.state.sight(app)
    top = int(party) if party.isdigit() else 0
    if top not in company.departments or not sight.sees_department(top):
        return False
    serials = (serial for department in company.subtree(top) for serial in company.members[department])
    _add_reachable(call, app, audience, serials)
    return True


def _add_tag(call: Call, app: App, audience: Audience, tag_id: str) -> bool:
    tag = call.state.company.tags.get(int(tag_id)) if tag_id.isdigit() else None
    if tag is None:
        return False
    _add_reachable(call, app, audience, call.state.company.tagged(tag))
    return True


def _add_reachable(call: Call, app: App, audience: Audience, serials: Any) -> None:
    for serial in serials:
        person = call.state.company.people[serial]
        if call.state.can_be_reached(app, person):
            audience.add(person)


def of_update(call: Call, app: App, received: set[int]) -> tuple[list[int], list[str]]:
    """userids, partyids, tagids, atall of `update_template_card`, and those who never got the card."""
    users, parties, tags = (call.list_of(name) for name in ("userids", "partyids", "tagids"))
    if len(users) > USERS_MOST or len(parties) > PARTIES_MOST or len(tags) > TAGS_MOST:
        raise PlatformError(40058, "too many recipients")
    if call.body.get("atall") == 1:
        return sorted(received), []
    if not (users or parties or tags):
        raise PlatformError(82001)
    named = _named(call, app, [str(u) for u in users], [str(p) for p in parties], [str(t) for t in tags])
    asked = {str(userid).lower() for userid in users}
    strangers = {call.state.company.people[s].userid.lower() for s in named.people if s not in received}
    return [s for s in named.people if s in received], named.bad_users + sorted(strangers & asked)
