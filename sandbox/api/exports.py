"""export/*: members, departments and tags as encrypted files (doc path/94849, path/94851 to 94854)."""

import hashlib
import json
from typing import Any

from sandbox.api import departments, tags
from sandbox.api.call import Call, Endpoint, Fidelity, whole
from sandbox.api.imports import AES_KEY
from sandbox.api.jobs import settle, start
from sandbox.api.members import details, simple_row
from sandbox.crypto import encrypt_file
from sandbox.errors import PlatformError, ok
from sandbox.jobs import EXPORT_SECONDS, ExportFile, Job

SMALLEST_BLOCK = 10_000
LARGEST_BLOCK = 1_000_000

Rows = list[dict[str, Any]]


def _submit(call: Call, kind: str, field: str, rows: Rows, more: dict[str, Any] | None = None) -> dict[str, Any]:
    key = str(call.body.get("encoding_aeskey", ""))
    block = whole(call.body.get("block_size", LARGEST_BLOCK), 40058)
    if not AES_KEY.fullmatch(key):
        raise PlatformError(40058, "encoding_aeskey")
    if not SMALLEST_BLOCK <= block <= LARGEST_BLOCK:
        raise PlatformError(40058, "block_size")

    def work(job: Job) -> None:
        job.total = len(rows)
        for begin in range(0, max(1, len(rows)), block):
            text = json.dumps({field: rows[begin : begin + block]} | (more or {}), ensure_ascii=False)
            job.files.append(ExportFile(encrypt_file(key, text.encode())))

    return ok(jobid=start(call, kind, work, None).id)


def _people(call: Call) -> list[Any]:
    call.require_details()
    sight = call.sight
    return [person for person in call.state.company.people.values() if sight.sees_person(person)]


def simple_user(call: Call) -> dict[str, Any]:
    return _submit(call, "export_simple_user", "userlist", [simple_row(person) for person in _people(call)])


def user(call: Call) -> dict[str, Any]:
    return _submit(call, "export_user", "userlist", [details(call, person) for person in _people(call)])


def department(call: Call) -> dict[str, Any]:
    rows: Rows = departments.listing(call)["department"]
    return _submit(call, "export_department", "department", rows)


def taguser(call: Call) -> dict[str, Any]:
    call.require_details()
    found = tags.members_of(call, whole(call.body.get("tagid", ""), 41017))
    return _submit(call, "export_taguser", "userlist", found["userlist"], {"partylist": found["partylist"]})


def get_result(call: Call) -> dict[str, Any]:
    """`status` 0 waiting, 1 running, 2 done, 3 failed: other numbers than those of `batch/getresult`."""
    settle(call.state)
    job = call.state.jobs.of(call.query.get("jobid", ""), call.identity, is_import=False)
    if not job.is_done:
        return ok(status=0 if call.state.now() <= job.started_at else 1)
    if job.errcode:
        return ok(status=3)
    base = f"{call.base_url}/export-files/{job.id}"
    rows = [_file(f"{base}/{number}", file.content) for number, file in enumerate(job.files)]
    return ok(status=2, data_list=rows)


def _file(url: str, content: bytes) -> dict[str, Any]:
    return {"url": url, "size": len(content), "md5": hashlib.md5(content).hexdigest()}  # noqa: S324 - a checksum


def export_file(job: Job | None, number: int, now: float) -> bytes | None:
    """The encrypted file, for two hours after the job's end."""
    if job is None or not job.is_done or number >= len(job.files) or now > job.ends_at + EXPORT_SECONDS:
        return None
    return job.files[number].content


def _export(handle: Any, source: str) -> Endpoint:
    return Endpoint(
        "POST",
        handle,
        fidelity=Fidelity.SIMPLIFIED,
        source=source,
        note="明文为纯 JSON，每个文件单独加密（文档未写明）",
        note_en="the plaintext is bare JSON, each file encrypted by itself (not documented)",
    )


ENDPOINTS = {
    "export/simple_user": _export(simple_user, "path/94849"),
    "export/user": _export(user, "path/94851"),
    "export/department": _export(department, "path/94852"),
    "export/taguser": _export(taguser, "path/94853"),
    "export/get_result": Endpoint("GET", get_result, fidelity=Fidelity.EXACT, source="path/94854"),
}
