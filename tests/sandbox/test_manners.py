"""The platform as its pages print it, and as its callers see it."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from itertools import product
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from sandbox.app import OWN_PATHS
from tests.manners import BOTH
from tests.platform import served
from tests.sandbox.world import Json, World

AMR = b"#!AMR\n12345"


@pytest.fixture
async def seen() -> AsyncIterator[World]:
    world = await World(like="observed").start(listening=False)
    yield world
    await world.stop()


async def post(world: World, path: str, raw: bytes, **headers: str) -> Json:
    token = await world.token(world.config.app_secret)
    answer = await world.http.post(path, params={"access_token": token}, content=raw, headers=headers)
    assert answer.status_code == 200
    result: Json = answer.json()
    return result


def part(disposition: str, content: bytes, boundary: str = "b0") -> tuple[bytes, dict[str, str]]:
    head = f"--{boundary}\r\nContent-Disposition: {disposition}\r\nContent-Type: text/plain\r\n\r\n"
    body = head.encode() + content + f"\r\n--{boundary}--\r\n".encode()
    return body, {"content-type": f"multipart/form-data; boundary={boundary}"}


class TestAsObserved:
    async def test_a_send_that_reached_everybody_has_no_empty_lists(self, seen: World, world: World) -> None:
        (userid,) = await seen.userids(1)
        assert set(await seen.send(userid)) == {"errcode", "errmsg", "msgid"}
        assert set(await seen.send(f"{userid}|ghost")) == {"errcode", "errmsg", "msgid", "invaliduser"}
        (documented,) = await world.userids(1)
        lists = {"invaliduser", "invalidparty", "invalidtag", "unlicenseduser"}
        assert lists < set(await world.send(documented))

    async def test_tokens_and_msgids_are_long(self, seen: World) -> None:
        assert len(await seen.token(seen.config.app_secret)) == 214
        (userid,) = await seen.userids(1)
        lengths = [len((await seen.send(userid))["msgid"]) for _ in range(20)]
        assert min(lengths) >= 86
        assert max(lengths) <= 128

    async def test_a_refusal_has_digits_empty_fields_and_headers(self, seen: World) -> None:
        query = {"corpid": seen.config.corp_id, "corpsecret": "wrong-secret"}
        answer = await seen.http.get("/cgi-bin/gettoken", params=query)
        said = answer.json()
        assert (said["errcode"], said["access_token"], said["expires_in"]) == (40001, "", 0)
        assert re.search(r"hint: \[[0-9]{25}\], from ip: ", said["errmsg"])
        assert answer.headers["error-code"] == "40001"
        assert answer.headers["error-msg"] == said["errmsg"]

    async def test_a_success_names_its_code_in_the_header_too(self, seen: World) -> None:
        token = await seen.token(seen.config.app_secret)
        answer = await seen.http.get("/cgi-bin/getcallbackip", params={"access_token": token})
        assert (answer.headers["error-code"], answer.headers["error-msg"]) == ("0", "ok")

    async def test_a_fault_on_demand_has_the_same_manners(self, seen: World) -> None:
        await seen.client.fail("department/simplelist", errcode=-1)
        assert (await seen.contacts("department/simplelist"))["department_id"] == []

    async def test_one_answer_to_the_other_while_it_runs(self, world: World) -> None:
        assert "access_token" not in (await world.http.get("/cgi-bin/gettoken")).json()
        await world.client.configure(like="observed")
        assert (await world.http.get("/cgi-bin/gettoken")).json()["access_token"] == ""

    @pytest.mark.parametrize(("content", "errcode"), [(b"RIFF....WAVE", 301017), (AMR, 0)])
    async def test_a_voice_is_amr(self, seen: World, content: bytes, errcode: int) -> None:
        token = await seen.token(seen.config.app_secret)
        query = {"access_token": token, "type": "voice"}
        answer = await seen.http.post("/cgi-bin/media/upload", params=query, files={"media": ("v.amr", content)})
        assert answer.json()["errcode"] == errcode

    @pytest.mark.parametrize("path", ["//cgi-bin/getcallbackip", "///cgi-bin//getcallbackip/"])
    async def test_slashes_too_many(self, seen: World, world: World, path: str) -> None:
        for place, errcode in ((seen, 0), (world, world.config.unknown_endpoint_errcode)):
            query = {"access_token": await place.token(place.config.app_secret)}
            answer = await place.http.get(httpx.URL(f"http://sandbox{path}"), params=query)
            assert (answer.status_code, answer.json()["errcode"]) == (200, errcode)


class TestSloppyJson:
    """What can be read counts, and the answer warns."""

    @pytest.mark.parametrize(
        ("after", "why"),
        [
            (b"}", "whole"),
            (b",}", "a comma too many"),
            (b"", "no end"),
            (b', "safe": 0,, }', "a comma in the middle"),
            (b', "safe": "0"}', "a number as text"),
            (b', "mpnews": {"title": "a\nb"}}', "a line break inside"),
        ],
    )
    async def test_a_text_is_sent(self, seen: World, after: bytes, why: str) -> None:
        (userid,) = await seen.userids(1)
        start = f'{{"touser": "{userid}", "msgtype": "text", "agentid": 1000002, "text": {{"content": "你好"}}'
        said = await post(seen, "/cgi-bin/message/send", start.encode() + after)
        assert said["errcode"] == 0, why
        assert said["errmsg"] == ("ok" if why == "whole" else "ok. Warning: wrong json format. ")
        assert (await seen.last_message(userid))["text"] == "你好"

    async def test_what_is_missing_then_decides_the_errcode(self, seen: World) -> None:
        said = await post(seen, "/cgi-bin/message/send", b'{"touser": "x", \'msgtype\': "text"}')
        assert said["errcode"] == 41011
        assert said["errmsg"].startswith("Warning: wrong json format. ")

    async def test_a_list_as_text_is_no_list(self, seen: World) -> None:
        fields = {"userid": "neu1", "name": "新来的", "mobile": 13800000001, "department": "[1]"}
        said = await seen.contacts("user/create", fields)
        assert said["errcode"] not in {0, 40058}
        assert said["errmsg"].startswith("Warning: wrong json format. ")

    async def test_a_field_that_cannot_be_used_at_all(self, seen: World) -> None:
        said = await seen.app("message/send", {"touser": ["x"], "msgtype": {"text": 1}, "agentid": 1000002})
        assert said["errcode"] > 0
        assert said["errmsg"].startswith("Warning: wrong json format. ")

    async def test_the_documented_platform_says_40058(self, world: World) -> None:
        said = await post(world, "/cgi-bin/message/send", b'{"touser": "x",}')
        assert said["errcode"] == 40058
        assert "Warning: wrong json format." in said["errmsg"]


class TestUnreadable:
    """HTTP 200, an errcode, and a row in the log, whatever comes."""

    @pytest.fixture(params=BOTH)
    async def either(self, request: pytest.FixtureRequest) -> AsyncIterator[World]:
        world = await World(like=request.param).start(listening=False)
        yield world
        await world.stop()

    @pytest.mark.parametrize(
        "raw",
        [
            b"\x1f\x8b\x08\x00 not the gzip it says",
            '{"touser": "x"}'.encode("utf-16"),
            b'{"a":' * 100_000,
            b"[" * 100_000 + b"]" * 100_000,
            b'{"touser": ' + b"[" * 200 + b"]" * 200 + b"}",
            b"touser=x&msgtype=text",
            b"\xff\xfe\xfd",
            b"[]",
            b'{"touser": "\\ud83d", "msgtype": "text", "agentid": 1000002, "text": {"content": "\\ud83d"}}',
        ],
        ids=[
            "gzip",
            "utf-16",
            "deep",
            "deep and whole",
            "deeper than any call",
            "form",
            "bytes",
            "list",
            "half an emoji",
        ],
    )
    async def test_a_body(self, either: World, raw: bytes) -> None:
        said = await post(either, "/cgi-bin/message/send", raw)
        assert said["errcode"] > 0
        (call,) = await either.client.calls("message/send")
        assert call["errcode"] == said["errcode"]
        assert (await either.http.get("/admin/calls")).status_code == 200

    @pytest.mark.parametrize(
        ("headers", "raw"),
        [
            ({"content-type": "multipart/form-data"}, b"--b0\r\n"),
            ({"content-type": "multipart/form-data; boundary=b0"}, b"no part at all"),
            ({"content-type": "multipart/form-data; boundary=b0; charset=none-such"}, b"--b0\r\n\r\nx"),
            ({"content-type": "Multipart/Form-Data; boundary=b0"}, b""),
            part("form-data; name=media", b"a field, and no file")[::-1],
            part("attachment", b"no name and no file")[::-1],
        ],
        ids=["no boundary", "no part", "unknown charset", "empty", "no file name", "nothing"],
    )
    async def test_an_upload_without_a_file(self, either: World, headers: dict[str, str], raw: bytes) -> None:
        said = await post(either, "/cgi-bin/media/upload", raw, **headers)
        assert said["errcode"] == 40004
        (call,) = await either.client.calls("media/upload")
        assert call["errcode"] == 40004

    async def test_a_part_without_a_name(self, seen: World, world: World) -> None:
        raw, headers = part('form-data; filename="a.txt"', b"nameless content")
        for place, errcode in ((seen, 0), (world, 44001)):
            query = {"access_token": await place.token(place.config.app_secret), "type": "file"}
            answer = await place.http.post("/cgi-bin/media/upload", params=query, content=raw, headers=headers)
            assert (answer.status_code, answer.json()["errcode"]) == (200, errcode)

    @pytest.mark.parametrize(
        ("method", "path"),
        [
            *product(
                ["GET", "POST"],
                [
                    *("/cgi-bin/linkedcorp/message/send", "/cgi-bin/", "/cgi-bin", "/v2/cgi-bin/gettoken", "/gettoken"),
                    *("///gettoken", "//gettoken", "//", "//phones", "///"),
                ],
            ),
            *product(["POST", "PUT", "DELETE"], ["/"]),
        ],
    )
    async def test_a_path_that_leads_nowhere(self, either: World, path: str, method: str) -> None:
        # With the address in full: httpx drops slashes before it joins.
        address = f"{str(either.http.base_url).rstrip('/')}{path}"
        answer = await either.http.request(method, address, content=b"{}" if method == "POST" else None)
        assert answer.status_code == 200
        assert answer.json()["errcode"] == either.config.unknown_endpoint_errcode
        (call,) = await either.client.calls()
        assert (call["path"], call["is_known"]) == (path, False)
        assert (call["errcode"], call["body"]) == (either.config.unknown_endpoint_errcode, {})

    async def test_an_unknown_endpoint_can_be_told_what_to_do(self, world: World) -> None:
        await world.client.fail("linkedcorp/message/send", errcode=48002)
        assert (await world.app("linkedcorp/message/send", {}))["errcode"] == 48002

    async def test_unknown_paths_are_counted_on_the_overview_and_told_apart_only_so_far(self, world: World) -> None:
        for number in range(3):
            await world.http.get("/cgi-bin/linkedcorp/agent/get_perm_list", params={"n": number})
        page = (await world.http.get("/admin")).text
        assert "linkedcorp/agent/get_perm_list" in page
        for number in range(1_100):
            world.state.count_call(f"made/up/{number}", is_known=False)
        assert len(world.state.unknown_calls) <= 1_001
        assert world.state.unknown_calls.total() == 1_103

    async def test_the_sandboxs_own_addresses_are_no_platform(self, world: World) -> None:
        assert (await world.http.get("/sandbox/no-such-thing")).status_code == 404
        browser = {"accept": "text/html,application/xhtml+xml"}
        assert (await world.http.get("/fones", headers=browser)).status_code == 404
        assert (await world.http.post("/sandbox/docs")).status_code == 405
        assert (await world.http.get("/")).headers["location"] == "/phones"
        assert await world.client.calls() == []

    async def test_a_target_that_is_no_path(self, world: World) -> None:
        """`OPTIONS *`, as a proxy asks what is there."""
        sent: list[Any] = []
        asked = {"type": "http", "method": "OPTIONS", "path": "*", "raw_path": b"*", "query_string": b""}
        scope = asked | {"headers": [(b"host", b"sandbox")], "client": None, "server": ("sandbox", 80)}

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: Any) -> None:
            sent.append(message)

        await world.program({**scope, "http_version": "1.1", "scheme": "http", "root_path": ""}, receive, send)
        assert sent[0]["status"] == 200


class TestOwnPaths:
    def test_every_address_of_the_sandbox_begins_with_one_of_them(self, world: World) -> None:
        first = {path.split("/")[1] for path in _paths(world.program)}
        assert first - {"", "cgi-bin", "{before:path}cgi-bin"} == OWN_PATHS - {"favicon.ico"}


def _paths(program: Any) -> set[str]:
    """Every path that the program answers, also those of included routers."""
    found: set[str] = set()
    for route in program.routes:
        router = getattr(route, "original_router", None)
        inner = router.routes if router is not None else [route]
        found |= {getattr(one, "path", "/") for one in inner}
    return found


class TestOfferOfAnotherProtocol:
    """Clients that offer HTTP/2 beside (`Upgrade: h2c`) are answered in HTTP/1.1, and their body is read."""

    @pytest.mark.parametrize("chunked", [False, True])
    async def test_the_body_of_a_post_arrives(self, world: World, chunked: bool) -> None:
        (userid,) = await world.userids(1)
        token = await world.token(world.config.app_secret)
        fields = {"touser": userid, "msgtype": "text", "agentid": world.config.agent_id, "text": {"content": "你好"}}
        body = json.dumps(fields, ensure_ascii=False).encode()
        size = b"Transfer-Encoding: chunked" if chunked else b"Content-Length: %d" % len(body)
        sent = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body) if chunked else body
        head = (
            b"POST /cgi-bin/message/send?access_token=%s HTTP/1.1\r\nHost: sandbox\r\n%s\r\n"
            b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA\r\n\r\n"
        ) % (token.encode(), size)
        async with served(world.program) as url:
            address = urlsplit(url)
            reader, writer = await asyncio.open_connection(address.hostname, address.port)
            writer.write(head + sent)
            answer = await reader.readuntil(b"\r\n\r\n")
            said = json.loads(
                await reader.readexactly(int(answer.lower().split(b"content-length: ")[1].split(b"\r")[0]))
            )
            writer.close()
        assert answer.startswith(b"HTTP/1.1 200 ")
        assert said["errcode"] == 0
        assert (await world.last_message(userid))["text"] == "你好"
