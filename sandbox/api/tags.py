"""tag/* (doc path/90210 to 90216)."""

from typing import Any

from sandbox.api.call import Call, Endpoint, Fidelity, whole
from sandbox.company import Person, Tag
from sandbox.errors import PlatformError, ok
from sandbox.organisation import Organisation
from sandbox.state import CONTACTS

NAME_MAX = 32
USERS_MOST = 1_000
PARTIES_MOST = 100
NODES_MOST = 30_000


def create(call: Call) -> dict[str, Any]:
    tags = call.state.company.tags
    name = _checked_name(call)
    wanted = call.body.get("tagid")
    tag_id = whole(wanted, 40068) if wanted is not None else max(tags, default=0) + 1
    if tag_id in tags:
        raise PlatformError(40068, "tagid existed")
    tags[tag_id] = Tag(tag_id, name, call.identity)
    return ok("created", tagid=tag_id)


def update(call: Call) -> dict[str, Any]:
    tag = _own(call, call.body.get("tagid"))
    tag.name = _checked_name(call, besides=tag)
    return ok("updated")


def delete(call: Call) -> dict[str, Any]:
    tag = _own(call, call.query.get("tagid"))
    del call.state.company.tags[tag.id]
    call.state.company.touched()
    return ok("deleted")


def listing(call: Call) -> dict[str, Any]:
    rows = [{"tagid": tag.id, "tagname": tag.name} for tag in call.state.company.tags.values()]
    return ok(taglist=rows)


def get(call: Call) -> dict[str, Any]:
    """Members named one by one; those who belong through a department are not expanded."""
    return ok(**members_of(call, call.query_number("tagid", missing=41017)))


def members_of(call: Call, tag_id: int) -> dict[str, Any]:
    company, sight = call.state.company, call.sight
    tag = company.tag(tag_id)
    people = [company.people[serial] for serial in tag.people]
    rows = [{"userid": p.userid, "name": p.name} for p in people if sight.sees_person(p)]
    parties = [d for d in tag.departments if sight.sees_department(d)]
    return {"tagname": tag.name, "userlist": rows, "partylist": parties}


def addtagusers(call: Call) -> dict[str, Any]:
    tag = _own(call, call.body.get("tagid"))
    people, parties, bad = _nodes(call, nothing_left=40070)
    if len(tag.people) + len(tag.departments) + len(people) + len(parties) > NODES_MOST:
        raise PlatformError(81003)
    Organisation(call.state, echo=False).add_to_tag(tag, people, parties)
    return ok("ok", **bad)


def deltagusers(call: Call) -> dict[str, Any]:
    tag = _own(call, call.body.get("tagid"))
    people, parties, bad = _nodes(call, nothing_left=40031)
    Organisation(call.state, echo=False).remove_from_tag(tag, people, parties)
    return ok("deleted", **bad)


def _checked_name(call: Call, *, besides: Tag | None = None) -> str:
    name = call.body.get("tagname")
    if not name:
        raise PlatformError(41018)
    if not isinstance(name, str) or len(name) > NAME_MAX:
        raise PlatformError(40072)
    if any(tag.name == name and tag is not besides for tag in call.state.company.tags.values()):
        raise PlatformError(40071)
    return name


def _own(call: Call, tag_id: Any) -> Tag:
    """Only the creator changes a tag; the contacts credential also those made in the console."""
    if tag_id in (None, ""):
        raise PlatformError(41017)
    tag = call.state.company.tag(whole(tag_id, 40068))
    if tag.owner != call.identity and not (call.identity == CONTACTS and tag.owner == "console"):
        raise PlatformError(81011)
    return tag


def _nodes(call: Call, *, nothing_left: int) -> tuple[list[Person], list[int], dict[str, Any]]:
    """Whom the call names, and the lists of those it names wrongly: a string and an array."""
    userids, parties = call.list_of("userlist"), call.list_of("partylist")
    if not userids and not parties:
        raise PlatformError(40035)
    if len(userids) > USERS_MOST or len(parties) > PARTIES_MOST:
        raise PlatformError(81014)
    company, sight = call.state.company, call.sight
    found = {str(u): company.find(str(u)) for u in userids}
    people = [p for p in found.values() if p is not None and sight.sees_person(p)]
    bad_users = [u for u, p in found.items() if p is None or not sight.sees_person(p)]
    good = [d for d in parties if d in company.departments and sight.sees_department(d)]
    bad_parties = [d for d in parties if d not in good]
    if not people and not good:
        raise PlatformError(nothing_left)
    bad: dict[str, Any] = {"invalidlist": "|".join(bad_users)} if bad_users else {}
    return people, good, bad | ({"invalidparty": bad_parties} if bad_parties else {})


ENDPOINTS = {
    "tag/create": Endpoint(
        "POST",
        create,
        fidelity=Fidelity.SIMPLIFIED,
        source="path/90210",
        note="不检查标签总数",
        note_en="the number of tags is not checked",
    ),
    "tag/update": Endpoint("POST", update, fidelity=Fidelity.EXACT, source="path/90211"),
    "tag/delete": Endpoint("GET", delete, fidelity=Fidelity.EXACT, source="path/90212"),
    "tag/list": Endpoint("GET", listing, fidelity=Fidelity.EXACT, source="path/90216"),
    "tag/get": Endpoint("GET", get, fidelity=Fidelity.EXACT, source="path/90213"),
    "tag/addtagusers": Endpoint("POST", addtagusers, fidelity=Fidelity.EXACT, source="path/90214"),
    "tag/deltagusers": Endpoint("POST", deltagusers, fidelity=Fidelity.EXACT, source="path/90215"),
}
