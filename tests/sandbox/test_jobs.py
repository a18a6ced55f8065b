import base64
import hashlib
import json
from typing import Any
from xml.etree.ElementTree import Element

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.ciphers.modes import CBC

from tests.sandbox.world import Json, World

KEY = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPE"


async def upload(world: World, text: str) -> str:
    params = {"access_token": await world.token(world.config.contacts_secret), "type": "file"}
    files = {"media": ("import.csv", text.encode("utf-8-sig"), "text/csv")}
    answer = await world.http.post("/cgi-bin/media/upload", params=params, files=files)
    return str(answer.json()["media_id"])


async def submit(world: World, endpoint: str, text: str, **more: Any) -> Json:
    return await world.contacts(endpoint, {"media_id": await upload(world, text)} | more)


async def result(world: World, job: Json) -> Json:
    assert job["errcode"] == 0, job
    return await world.contacts("batch/getresult", jobid=job["jobid"])


def everybody(world: World, *, but: int = 0) -> str:
    people = list(world.state.company.people.values())[but:]
    return "userid,name\n" + "".join(f"{p.userid},{p.name}\n" for p in people)


class TestImportOfMembers:
    async def test_adds_and_changes_and_leaves_the_others(self, world: World) -> None:
        before = len(world.state.company.people)
        old = (await world.client.people(limit=1))[0]
        text = "姓名,账号,手机号,所在部门\n新同事,newone,13700000001,3;4\n"
        text += f"{old['name']},{old['userid']},,2\n坏行,bad!,1,2\n"
        done = await result(world, await submit(world, "batch/syncuser", text))
        assert (done["status"], done["type"], done["total"], done["percentage"]) == (3, "sync_user", 3, 100)
        assert [row["errcode"] for row in done["result"]] == [0, 0, 40003]
        assert (await world.client.person("newone"))["department"] == [3, 4]
        assert (await world.client.person(old["userid"]))["department"] == [2]
        assert len(world.state.company.people) == before + 1

    async def test_replacing_deletes_whoever_is_missing(self, world: World) -> None:
        before = len(world.state.company.people)
        await result(world, await submit(world, "batch/replaceuser", everybody(world, but=5)))
        assert len(world.state.company.people) == before - 5

    async def test_the_guard_against_mass_deletion(self, world: World) -> None:
        before = len(world.state.company.people)
        job = await submit(world, "batch/replaceuser", everybody(world, but=before - 3))
        assert (await result(world, job))["errcode"] == 45026
        assert len(world.state.company.people) == before

    async def test_bad_files(self, world: World) -> None:
        for text, errcode in (("nonsense", 40092), ("userid,name\na,b\nA,c\n", 302003), ("userid,name\na\n", 40092)):
            assert (await result(world, await submit(world, "batch/syncuser", text)))["errcode"] == errcode
        assert (await world.contacts("batch/syncuser", {"media_id": "x"}))["errcode"] == 40007
        assert (await world.app("batch/syncuser", {"media_id": "x"}))["errcode"] == 48002


class TestImportOfDepartments:
    async def test_becomes_exactly_the_file_as_far_as_empty(self, world: World) -> None:
        await world.client.create_department("空部门", department_id=900)
        text = "部门名称,部门ID,父部门ID,排序\n新一部,801,800,\n新中心,800,1,9\n"
        done = await result(world, await submit(world, "batch/replaceparty", text))
        rows = {row["partyid"]: (row["action"], row["errcode"]) for row in done["result"]}
        assert rows == {800: (1, 0), 801: (1, 0)}
        departments = {d["id"]: d for d in await world.client.departments()}
        assert departments[801]["parentid"] == 800
        assert 900 not in departments
        assert any(department["members"] for department in departments.values())

    async def test_what_changed_is_told_bit_by_bit(self, world: World) -> None:
        await world.client.create_department("甲", department_id=801)
        await world.client.create_department("乙", department_id=802)
        text = "name,id,parentid,order\n甲改,801,802,7\n乙,802,1,\n"
        done = await result(world, await submit(world, "batch/replaceparty", text))
        actions = {row["partyid"]: row["action"] for row in done["result"]}
        assert actions == {801: 2 + 4 + 8, 802: 0}

    async def test_no_tree(self, world: World) -> None:
        circle = "name,id,parentid\n甲,801,802\n乙,802,801\n"
        twice = "name,id,parentid\n甲,801,1\n乙,801,1\n"
        siblings = "name,id,parentid\n甲,801,1\n甲,802,1\n"
        for text, errcode in ((circle, 302004), (twice, 302006), (siblings, 302007)):
            assert (await result(world, await submit(world, "batch/replaceparty", text)))["errcode"] == errcode


class TestResults:
    async def test_the_end_is_told_to_the_address_in_the_request(self, world: World) -> None:
        callback = {
            "url": "http://service/contacts",
            "token": world.config.contacts_token,
            "encodingaeskey": world.config.contacts_aes_key,
        }
        job = await submit(world, "batch/syncuser", everybody(world), callback=callback)
        await world.client.wait_idle()
        event: Element = world.receiver.events("batch_job_result")[-1].event
        assert event.findtext("BatchJob/JobId") == job["jobid"]
        assert (event.findtext("BatchJob/JobType"), event.findtext("BatchJob/ErrCode")) == ("sync_user", "0")

    async def test_one_at_a_time_and_by_the_clock(self, world: World) -> None:
        await world.client.configure(job_seconds=100)
        job = await submit(world, "batch/syncuser", everybody(world))
        assert (await submit(world, "batch/syncuser", everybody(world)))["errcode"] == 302008
        assert (await result(world, job))["status"] == 1
        await world.client.advance_clock(50)
        half = await result(world, job)
        assert (half["status"], half["percentage"]) == (2, 50)
        await world.client.advance_clock(51)
        assert (await result(world, job))["status"] == 3

    async def test_the_last_five_are_kept_and_only_the_submitter_may_ask(self, world: World) -> None:
        jobs = [await submit(world, "batch/syncuser", everybody(world)) for _ in range(6)]
        assert (await result(world, jobs[0]))["errcode"] == 40089
        assert (await result(world, jobs[5]))["errcode"] == 0
        assert (await world.app("batch/getresult", jobid=jobs[5]["jobid"]))["errcode"] == 40088
        assert (await world.contacts("batch/getresult", jobid="made-up"))["errcode"] == 40088


def decrypted(content: bytes) -> Any:
    key = base64.b64decode(KEY + "=")
    decryptor = Cipher(AES256(key), CBC(key[:16])).decryptor()
    padded = decryptor.update(content) + decryptor.finalize()
    return json.loads(padded[: -padded[-1]])


class TestExport:
    async def fetch(self, world: World, endpoint: str, **body: Any) -> Any:
        job = await world.app(endpoint, {"encoding_aeskey": KEY} | body)
        assert job["errcode"] == 0, job
        done = await world.app("export/get_result", jobid=job["jobid"])
        (row,) = done["data_list"]
        content = (await world.http.get(row["url"])).content
        assert (row["size"], row["md5"]) == (len(content), hashlib.md5(content).hexdigest())  # noqa: S324
        assert done["status"] == 2
        return decrypted(content)

    async def test_members_departments_and_a_tag(self, world: World) -> None:
        people = (await self.fetch(world, "export/simple_user"))["userlist"]
        assert len(people) == len(world.state.company.people)
        assert "position" in (await self.fetch(world, "export/user"))["userlist"][0]
        departments = (await self.fetch(world, "export/department"))["department"]
        assert departments == (await world.app("department/list"))["department"]
        tag = await self.fetch(world, "export/taguser", tagid=1)
        assert tag["userlist"] == (await world.app("tag/get", tagid=1))["userlist"]

    async def test_only_what_the_caller_sees(self, world: World) -> None:
        one, two = await world.userids(2)
        await world.client.set_visible_range(users=[one, two])
        people = (await self.fetch(world, "export/simple_user"))["userlist"]
        assert sorted(row["userid"] for row in people) == sorted([one, two])

    async def test_in_pieces_and_for_two_hours(self, world: World) -> None:
        job = await world.app("export/department", {"encoding_aeskey": KEY})
        url = (await world.app("export/get_result", jobid=job["jobid"]))["data_list"][0]["url"]
        whole = (await world.http.get(url)).content
        piece = await world.http.get(url, headers={"range": "bytes=16-31"})
        assert (piece.status_code, piece.content) == (206, whole[16:32])
        assert piece.headers["content-range"] == f"bytes 16-31/{len(whole)}"
        await world.client.advance_clock(7_201)
        assert (await world.http.get(url)).status_code == 404

    async def test_the_end_is_told_to_the_app(self, world: World) -> None:
        await world.app("export/department", {"encoding_aeskey": KEY})
        await world.client.wait_idle()
        event = world.receiver.events("batch_job_result")[0].event
        assert event.findtext("BatchJob/JobType") == "export_department"
        assert event.findtext("FromUserName") == "sys"

    async def test_refusals(self, world: World) -> None:
        assert (await world.app("export/user", {"encoding_aeskey": "short"}))["errcode"] == 40058
        small = {"encoding_aeskey": KEY, "block_size": 10}
        assert (await world.app("export/user", small))["errcode"] == 40058
        assert (await world.contacts("export/user", {"encoding_aeskey": KEY}))["errcode"] == 48009
