"""batch/*: members and departments from an uploaded file, and invitations (doc path/90980 to 90983, path/90975)."""

import re
from collections.abc import Callable
from functools import partial
from typing import Any

from sandbox.api.call import Call, Endpoint, Fidelity
from sandbox.api.jobs import settle, start
from sandbox.api.media import valid_media
from sandbox.company import NOT_ACTIVATED, ROOT
from sandbox.crypto import Cryptor
from sandbox.errors import PlatformError, ok
from sandbox.import_files import Fields, member_rows, party_rows
from sandbox.jobs import Job, Row
from sandbox.organisation import Organisation
from sandbox.pushes import CallbackChannel

FEW = 50
SHARE_OF_MANY = 20
SHARE_OF_FEW = 80
CREATED, RENAMED, MOVED, REORDERED = 1, 2, 4, 8
AES_KEY = re.compile(r"[A-Za-z0-9]{43}")
TOKEN = re.compile(r"[A-Za-z0-9]{1,32}")


def _submit(call: Call, kind: str, work: Callable[[Call, bytes, Job], None]) -> dict[str, Any]:
    call.require_contacts()
    content = valid_media(call, call.body.get("media_id"), kind="file").content
    settle(call.state)
    call.state.jobs.check_free()
    job = start(call, kind, lambda job: work(call, content, job), _target(call))
    return ok(jobid=job.id)


def _target(call: Call) -> CallbackChannel | None:
    """Where the result is told: the address and secrets that the request names."""
    given = call.body.get("callback")
    if not given:
        return None
    url, token, key = (str(given.get(name, "")) for name in ("url", "token", "encodingaeskey"))
    if not url.startswith(("http://", "https://")):
        raise PlatformError(40057)
    if not TOKEN.fullmatch(token) or not AES_KEY.fullmatch(key):
        raise PlatformError(40058, "callback")
    return CallbackChannel(Cryptor(token, key, call.state.config.corp_id), url, None)


def syncuser(call: Call) -> dict[str, Any]:
    """Adds and changes by userid; whoever is not in the file stays as they are."""
    return _submit(call, "sync_user", _sync_members)


def replaceuser(call: Call) -> dict[str, Any]:
    """The company becomes exactly the file, unless that deleted too many (45026)."""
    return _submit(call, "replace_user", _replace_members)


def replaceparty(call: Call) -> dict[str, Any]:
    """Departments that are not in the file go when they are empty."""
    return _submit(call, "replace_party", _replace_parties)


def _sync_members(call: Call, content: bytes, job: Job) -> None:
    rows = member_rows(content)
    job.total = len(rows)
    organisation = Organisation(call.state, echo=False)
    for fields in rows:
        job.rows.append({"userid": fields.get("userid", "")} | _outcome(partial(_upsert, organisation, fields)))


def _outcome(act: Callable[[], object]) -> Row:
    """A bad row does not stop the others."""
    try:
        act()
    except PlatformError as error:
        return {"errcode": error.errcode, "errmsg": error.text}
    return {"errcode": 0, "errmsg": "ok"}


def _upsert(organisation: Organisation, fields: Fields) -> None:
    person = organisation.company.find(str(fields.get("userid", "")))
    if person is None:
        organisation.hire(fields, status=NOT_ACTIVATED)
    else:
        organisation.change(person, {name: value for name, value in fields.items() if name != "userid"})


def _replace_members(call: Call, content: bytes, job: Job) -> None:
    company = call.state.company
    kept = {str(fields["userid"]).lower() for fields in member_rows(content)}
    leaving = [person for person in company.people.values() if person.userid.lower() not in kept]
    share = len(leaving) * 100 / max(1, len(company.people))
    if share > (SHARE_OF_MANY if len(leaving) > FEW else SHARE_OF_FEW):
        raise PlatformError(45026)
    _sync_members(call, content, job)
    for person in leaving:
        Organisation(call.state, echo=False).remove(person)


def _replace_parties(call: Call, content: bytes, job: Job) -> None:
    rows = party_rows(content)
    job.total = len(rows)
    organisation = Organisation(call.state, echo=False)
    for fields in rows:
        job.rows.append(_party(organisation, fields))
    kept = {fields["id"] for fields in rows} | {ROOT}
    company = call.state.company
    for department_id in reversed(list(company.subtree(ROOT))):
        if department_id not in kept and not company.members[department_id] and not company.children[department_id]:
            organisation.delete_department(company.departments[department_id])


def _party(organisation: Organisation, fields: Fields) -> Row:
    department = organisation.company.departments.get(fields["id"])
    if department is None:
        action = CREATED
        outcome = _outcome(
            lambda: organisation.create_department(
                fields["name"], fields["parentid"], department_id=fields["id"], order=fields.get("order", 0)
            )
        )
        return {"action": action, "partyid": fields["id"]} | outcome
    changed = {name: value for name, value in fields.items() if getattr(department, name) != value}
    if department.id == ROOT:
        changed.pop("parentid", None)
    bits = {"name": RENAMED, "parentid": MOVED, "order": REORDERED}
    action = sum(bits[name] for name in changed)
    outcome = _outcome(lambda: organisation.change_department(department, changed))
    return {"action": action, "partyid": fields["id"]} | outcome


def getresult(call: Call) -> dict[str, Any]:
    """`status` 1 started, 2 running, 3 done. A job that was aborted answers with its reason."""
    settle(call.state)
    job = call.state.jobs.of(call.query.get("jobid", ""), call.identity, is_import=True)
    if job.errcode:
        raise PlatformError(job.errcode)
    passed, length = call.state.now() - job.started_at, job.ends_at - job.started_at
    percentage = 100 if job.is_done else min(99, int(100 * passed / length))
    status = 3 if job.is_done else 2 if percentage else 1
    rows = job.rows if job.is_done else []
    return ok(status=status, type=job.kind, total=job.total, percentage=percentage, remaintime=0, result=rows)


def invite(call: Call) -> dict[str, Any]:
    """Who is invited is only checked: nobody gets a text message from here."""
    company = call.state.company
    users, parties, tags = (call.list_of(name) for name in ("user", "party", "tag"))
    if not (users or parties or tags):
        raise PlatformError(82001)
    for names, most, errcode in ((users, 1_000, 40032), (parties, 100, 82002), (tags, 100, 82003)):
        if len(names) > most:
            raise PlatformError(errcode)
    bad_users = [u for u in users if company.find(str(u)) is None]
    bad_parties = [p for p in parties if p not in company.departments]
    bad_tags = [t for t in tags if t not in company.tags]
    if len(bad_users) + len(bad_parties) + len(bad_tags) == len(users) + len(parties) + len(tags):
        raise PlatformError(81013)
    return ok(invaliduser=bad_users, invalidparty=bad_parties, invalidtag=bad_tags)


def _import(handle: Any, source: str) -> Endpoint:
    return Endpoint(
        "POST",
        handle,
        fidelity=Fidelity.SIMPLIFIED,
        source=source,
        note="表头用中文或接口字段名；不发送邀请；超出删除保护时 getresult 答 45026",
        note_en="headings in Chinese or by field name; invites nobody; getresult answers 45026 for too many deletions",
    )


ENDPOINTS = {
    "batch/syncuser": _import(syncuser, "path/90980"),
    "batch/replaceuser": _import(replaceuser, "path/90981"),
    "batch/replaceparty": _import(replaceparty, "path/90982"),
    "batch/getresult": Endpoint("GET", getresult, fidelity=Fidelity.EXACT, source="path/90983"),
    "batch/invite": Endpoint(
        "POST",
        invite,
        fidelity=Fidelity.ANSWERS_ONLY,
        source="path/90975",
        note="只检查名单，不发送邀请",
        note_en="checks the names, invites nobody",
    ),
}
