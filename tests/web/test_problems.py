"""F95: every error is an RFC 9457 document that a person understands; the platform's refusals carry their cure."""

from __future__ import annotations

import asyncio
from typing import Any

import asyncpg
import httpx
import pytest
from pydantic import ValidationError
from sqlalchemy.engine import make_url

from app.announcements.schemas import AudienceIn
from app.main import create_probes
from app.web.messages import DETAILS, prefers_english, title_of
from app.web.middleware import LARGEST_BODY
from app.web.presentation import explanations
from app.web.problems import FRAMEWORK_PROBLEMS, faults_of
from app.wecom.codes import CODES
from tests.databases import crowded, dsn
from tests.fakes.clock import FakeClock
from tests.web.conftest import Desk, client_of, open_desk

ROOT = "http://steward.test"


def problem_of(answer: httpx.Response, status: int) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    document: dict[str, Any] = answer.json()
    assert document["status"] == status
    assert document["title"]
    assert document["detail"]
    assert document["correlation_id"] == answer.headers["x-correlation-id"]
    return document


class TestWhatADomainRefuses:
    """The kind of an error decides the status; the domain itself knows no status codes."""

    @pytest.mark.parametrize(
        ("kind", "status", "slug"),
        [
            ("NotFound", 404, "not-found"),
            ("Forbidden", 403, "forbidden"),
            ("Conflict", 409, "conflict"),
            ("Invalid", 400, "invalid"),
            ("Unavailable", 503, "unavailable"),
        ],
    )
    async def test_each_kind_has_its_status(self, counter: Desk, kind: str, status: int, slug: str) -> None:
        found = problem_of(await counter.http.get(f"/probe/domain/{kind}"), status)
        assert found["type"] == f"/problems/{slug}"
        assert found["detail"] == "请看这里"
        assert found["seen"] == 3
        assert found["instance"] == f"/api/v1/probe/domain/{kind}"

    async def test_a_domains_own_error_keeps_its_name_title_and_facts(self, counter: Desk) -> None:
        found = problem_of(await counter.http.get("/probe/early"), 409)
        assert found["type"] == "/problems/too-early"
        assert found["title"] == "还没到时间"
        assert found["opens"] == "09:00"


class TestWhatThePlatformRefuses:
    async def test_carries_the_code_its_meaning_and_the_cure(self, counter: Desk) -> None:
        found = problem_of(await counter.http.get("/probe/wecom/60020"), 502)
        assert found["type"] == "/problems/wecom-refused"
        assert found["errcode"] == 60020
        assert found["meaning"] == CODES[60020].meaning_zh
        assert "203.0.113.7" in found["cure"], "the address to allow stands in the cure"
        assert found["path"] == "user/get"

    async def test_every_code_we_list_is_explained(self, counter: Desk) -> None:
        for errcode in CODES:
            found = problem_of(await counter.http.get(f"/probe/wecom/{errcode}"), 502)
            assert (found["errcode"], bool(found["meaning"]), bool(found["cure"])) == (errcode, True, True)

    async def test_a_code_nobody_knows_is_told_too(self, counter: Desk) -> None:
        assert problem_of(await counter.http.get("/probe/wecom/987654"), 502)["errcode"] == 987654

    async def test_a_lost_answer_is_503(self, counter: Desk) -> None:
        assert problem_of(await counter.http.get("/probe/lost"), 503)["type"] == "/problems/wecom-unreachable"


class TestWhatHttpRefuses:
    """Also what the framework refuses by itself is a problem document."""

    async def test_an_unknown_path_is_404(self, counter: Desk) -> None:
        problem_of(await counter.http.get("/nothing-here"), 404)

    async def test_a_method_that_is_not_there_is_405_and_names_those_that_are(self, counter: Desk) -> None:
        answer = await counter.http.delete("/policy/check")
        problem_of(answer, 405)
        assert answer.headers["allow"] == "POST"

    async def test_it_names_those_of_every_route_at_the_address(self, counter: Desk) -> None:
        answer = await counter.http.delete("/requests")
        problem_of(answer, 405)
        assert answer.headers["allow"] == "GET, POST"

    @pytest.mark.parametrize(
        ("path", "allowed"),
        [
            ("/static-offline-docs/swagger-ui.css", "GET, HEAD"),
            ("/static-offline-docs/", "GET, HEAD"),
            ("/openapi.json", "GET, HEAD"),
            ("/docs", "GET"),
            ("/healthz", "GET"),
            ("/problems/malformed", "GET"),
        ],
    )
    @pytest.mark.parametrize("method", ["POST", "PATCH", "OPTIONS"])
    async def test_it_names_them_wherever_it_is(self, counter: Desk, method: str, path: str, allowed: str) -> None:
        answer = await counter.http.request(method, f"{ROOT}{path}")
        problem_of(answer, 405)
        assert answer.headers["allow"] == allowed

    async def test_a_slash_too_many_is_told_and_not_redirected(self, counter: Desk) -> None:
        """A redirect would take the body of a POST along to nowhere."""
        problem_of(await counter.http.post("/requests/", json={}), 404)

    async def test_every_answer_that_is_too_large_is_documented(self, counter: Desk) -> None:
        document = (await counter.http.get(f"{ROOT}/openapi.json")).json()
        writes = [way for ways in document["paths"].values() for name, way in ways.items() if "requestBody" in way]
        undocumented = [way["operationId"] for way in writes if "413" not in way["responses"]]
        assert undocumented == []


class TestAWorker:
    """Its probes answer as those of the service do."""

    @pytest.mark.parametrize(
        ("method", "path", "status"), [("GET", "/nowhere", 404), ("GET", "/healthz/", 404), ("POST", "/healthz", 405)]
    )
    async def test_refuses_with_problem_documents(self, counter: Desk, method: str, path: str, status: int) -> None:
        async with client_of(create_probes(counter.services), key=None) as http:
            answer = await http.request(method, f"{ROOT}{path}")
            document = problem_of(answer, status)
            assert answer.headers.get("allow") == ("GET" if status == 405 else None)
            assert (await http.get(f"{ROOT}{document['type']}")).status_code == 200


class TestTheTypeOfAProblem:
    """RFC 9457: `type` names the problem, and whoever opens the address reads what it means."""

    async def test_it_can_be_opened_without_a_key(self, counter: Desk) -> None:
        found = problem_of(await counter.http.get("/requests/none"), 422)
        explained = await counter.http.get(f"{ROOT}{found['type']}", headers={"authorization": ""})
        assert explained.json() == {
            "type": found["type"],
            "title": found["title"],
            "status": 422,
            "meaning": "Malformed",
        }

    async def test_every_refusal_of_every_domain_is_explained(self, counter: Desk) -> None:
        for slug, told in explanations().items():
            answer = await counter.http.get(f"{ROOT}/problems/{slug}")
            assert answer.json() == told.model_dump()

    async def test_a_type_that_is_none_is_404(self, counter: Desk) -> None:
        problem_of(await counter.http.get(f"{ROOT}/problems/made-up"), 404)

    async def test_a_malformed_body_is_422_and_names_every_fault(self, counter: Desk) -> None:
        found = problem_of(await counter.http.post("/api-keys", json={"scopes": [], "colour": "red"}), 422)
        assert {fault["where"] for fault in found["faults"]} == {"body.name", "body.scopes", "body.colour"}

    async def test_the_faults_are_told_in_chinese(self, counter: Desk) -> None:
        found = problem_of(await counter.http.post("/api-keys", json={"scopes": [], "colour": "red"}), 422)
        assert found["detail"] == (
            "body.name：缺少这一项，请补上；body.scopes：至少要有 1 项；body.colour：不认识这一项，请检查拼写或删去"
        )

    @pytest.mark.parametrize(
        ("path", "said"),
        [
            ("/requests?limit=0", "query.limit：应不小于 1"),
            ("/requests?state=asleep", "query.state：只能是 'pending', 'approved', 'rejected' 或 'withdrawn'"),
            ("/requests?updated_since=yesterday", "query.updated_since：应为带时区的时间"),
            ("/requests?updated_since=2026-03-02T09:00:00", "query.updated_since：要写明时区"),
            ("/requests/none", "path.request_id：应为 id（UUID）"),
            ("/nothing-here", "没有这个地址"),
        ],
    )
    async def test_no_english_of_the_framework_comes_through(self, counter: Desk, path: str, said: str) -> None:
        assert (await counter.http.get(path)).json()["detail"].startswith(said)

    async def test_what_is_not_json_says_so(self, counter: Desk) -> None:
        answer = await counter.http.post("/api-keys", content=b"{", headers={"Content-Type": "application/json"})
        assert problem_of(answer, 422)["detail"].startswith("body：不是有效的 JSON")

    async def test_json_nested_without_end_says_so(self, counter: Desk) -> None:
        headers = {"Content-Type": "application/json"}
        answer = await counter.http.post("/api-keys", content=b"[" * 100_000, headers=headers)
        assert problem_of(answer, 400)["detail"].startswith("读不懂请求内容")

    @pytest.mark.parametrize("path", ["/requests?kind=%00", "/requests?requester=%00", "/policy/versions/9999999999"])
    async def test_what_no_column_can_hold_is_422(self, counter: Desk, path: str) -> None:
        assert "NUL" in problem_of(await counter.http.get(path), 422)["detail"]

    async def test_and_its_idempotency_key_stays_free(self, counter: Desk) -> None:
        for name, status in [("a\u0000b", 422), ("后来的", 201)]:
            assert (await counter.make_key(name, once="nul-key")).status_code == status

    async def test_what_is_not_json_is_422(self, counter: Desk) -> None:
        headers = {"Content-Type": "application/json"}
        problem_of(await counter.http.post("/api-keys", content=b'{"name": ', headers=headers), 422)

    @pytest.mark.parametrize("headers", [{}, {"Idempotency-Key": "k-1"}])
    async def test_a_body_over_a_mebibyte_is_413(self, counter: Desk, headers: dict[str, str]) -> None:
        body = {"name": "x" * LARGEST_BODY, "scopes": ["org:read"]}
        problem_of(await counter.http.post("/api-keys", json=body, headers=headers), 413)

    async def test_a_status_without_a_title_of_its_own(self, counter: Desk) -> None:
        assert problem_of(await counter.http.get("/probe/teapot"), 418)["type"] == "/problems/http-418"


class TestWhatNobodyForesaw:
    async def test_is_500_with_the_correlation_id_and_nothing_of_the_inside(self, counter: Desk) -> None:
        counter.app.state.is_broken = True
        answer = await counter.http.post("/probe/crash", headers={"X-Correlation-Id": "a-request-of-mine"})

        found = problem_of(answer, 500)
        assert found["correlation_id"] == "a-request-of-mine"
        assert "13800000000" not in answer.text
        assert "RuntimeError" not in answer.text


class TestTheCorrelationId:
    """One id names a request in the answer, in the logs and in what it caused."""

    async def test_a_given_one_is_used(self, counter: Desk) -> None:
        answer = await counter.http.get("/departments", headers={"X-Correlation-Id": "order-20260302-7"})
        assert answer.headers["x-correlation-id"] == "order-20260302-7"

    @pytest.mark.parametrize("given", ["short", "x" * 129, "with blanks in it", "line\tfeed-12345678"])
    async def test_one_that_does_not_fit_a_log_line_is_replaced(self, counter: Desk, given: str) -> None:
        answer = await counter.http.get("/departments", headers={"X-Correlation-Id": given})
        assert answer.headers["x-correlation-id"] != given
        assert len(answer.headers["x-correlation-id"]) == 32

    async def test_each_request_has_its_own(self, counter: Desk) -> None:
        answers = [await counter.http.get("/departments") for _ in range(2)]
        assert len({answer.headers["x-correlation-id"] for answer in answers}) == 2

    async def test_it_leads_to_the_audit_trail(self, counter: Desk) -> None:
        made = await counter.make_key()
        found = (await counter.http.get("/audit", params={"correlation_id": made.headers["x-correlation-id"]})).json()[
            "items"
        ]
        assert [(row["action"], row["object_id"]) for row in found] == [("api_key.created", made.json()["id"])]

    async def test_browsers_are_told_not_to_guess_frame_or_tell(self, counter: Desk) -> None:
        answer = await counter.http.get(f"{ROOT}/healthz")
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["x-frame-options"] == "DENY"
        assert answer.headers["referrer-policy"] == "no-referrer"


class TestADatabaseThatIsAway:
    """503 with a time to come back, and nothing done: no fault of the caller's, and none of the program's."""

    @staticmethod
    def told(answer: httpx.Response) -> None:
        assert answer.status_code == 503, answer.text
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["type"] == "/problems/database-away"
        assert answer.headers["retry-after"] == "5"

    async def test_nobody_listens(self, desk_without_database: Desk) -> None:
        self.told(await desk_without_database.http.get("/policy"))

    async def test_somebody_listens_and_never_answers(self, clock: FakeClock) -> None:
        """A connection attempt gives up after five seconds."""

        async def be_silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read()
            writer.close()

        server = await asyncio.start_server(be_silent, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        async with open_desk(f"postgresql://x:x@127.0.0.1:{port}/x", clock, is_prepared=False) as desk:
            self.told(await desk.http.get("/policy"))
        server.close()

    async def test_the_server_is_full(self, desk: Desk, database: str, clock: FakeClock) -> None:
        async with crowded(database) as url, open_desk(url, clock, is_prepared=False) as crowded_desk:
            somebody = await asyncpg.connect(dsn(url))
            self.told(await crowded_desk.http.get("/policy"))
            await somebody.close()

    async def test_it_is_read_only(self, desk: Desk, database: str) -> None:
        operator = await asyncpg.connect(dsn(database))
        name = make_url(database).database
        await operator.execute(f'ALTER DATABASE "{name}" SET default_transaction_read_only = on')
        await operator.close()
        await desk.services.engine.dispose()
        self.told(await desk.make_key("报表", once="k-1"))


class TestInEnglish:
    """Chinese first; who asks for English gets titles, and what the framework says, in English."""

    @pytest.mark.parametrize(
        ("accept_language", "english"),
        [
            ("en", True),
            ("en-GB,en;q=0.9", True),
            ("fr, en;q=0.8, zh;q=0.5", True),
            ("zh-CN,zh;q=0.9,en;q=0.8", False),
            ("en;q=high", False),
            ("*", False),
            ("", False),
        ],
    )
    def test_the_header_decides(self, accept_language: str, english: bool) -> None:
        assert prefers_english(accept_language) is english

    async def test_an_address_that_is_not_there(self, counter: Desk) -> None:
        answer = await counter.http.get("/nowhere", headers={"Accept-Language": "en"})
        assert problem_of(answer, 404)["detail"] == DETAILS["http-404"]
        assert answer.headers["vary"] == "Accept-Language"

    async def test_faults_of_a_body(self, counter: Desk) -> None:
        answer = await counter.http.post("/api-keys", json={"scopes": []}, headers={"Accept-Language": "en"})
        document = problem_of(answer, 422)
        assert document["title"] == "Malformed"
        assert {fault["what"] for fault in document["faults"]} >= {"Field required"}
        assert document["detail"].isascii()

    @pytest.mark.parametrize("english", [False, True], ids=["Chinese", "English"])
    async def test_what_a_validator_of_ours_says(self, english: bool) -> None:
        with pytest.raises(ValidationError) as refused:
            AudienceIn.model_validate({})
        [fault] = faults_of(refused.value.errors(), in_english=english)
        said = "Fill in groups, departments or people" if english else "groups、departments、people 至少填一个"
        assert fault["what"] == said

    async def test_a_refusal_of_a_domain_is_english_as_a_whole(self, counter: Desk) -> None:
        answer = await counter.http.get("/probe/early", headers={"Accept-Language": "en"})
        document = problem_of(answer, 409)
        assert (document["title"], document["detail"]) == ("Too early", "It opens tomorrow at 09:00")
        assert document["opens"] == "09:00"

    async def test_the_platforms_refusal_too(self, counter: Desk) -> None:
        for errcode, entry in CODES.items():
            answer = await counter.http.get(f"/probe/wecom/{errcode}", headers={"Accept-Language": "en"})
            document = problem_of(answer, 502)
            cure = entry.cure_en.replace("{ip}", "203.0.113.7")
            assert (document["meaning"], document["cure"]) == (entry.meaning_en, cure)
            assert document["detail"].startswith(entry.meaning_en)
            assert document["title"] == "Wecom refused"

    @pytest.mark.parametrize("slug", FRAMEWORK_PROBLEMS)
    def test_what_no_domain_refuses_has_a_title_and_a_detail(self, slug: str) -> None:
        told = f"{title_of(slug)} {DETAILS[slug]}"
        assert told.isascii()
        assert "Http" not in told

    @pytest.mark.parametrize("body", [b"[" * 100_000, b'{"name": ' + b"9" * 5_000 + b"}"], ids=["depth", "digits"])
    async def test_a_body_that_cannot_be_read(self, counter: Desk, body: bytes) -> None:
        headers = {"Content-Type": "application/json", "Accept-Language": "en"}
        document = problem_of(await counter.http.post("/api-keys", content=body, headers=headers), 400)
        assert (document["title"], document["detail"]) == ("Bad Request", DETAILS["http-400"])

    async def test_a_status_without_a_detail_of_its_own(self, counter: Desk) -> None:
        document = problem_of(await counter.http.get("/probe/teapot", headers={"Accept-Language": "en"}), 418)
        assert (document["title"], document["detail"]) == ("I'm a Teapot", "short and stout")

    async def test_a_type_says_what_http_calls_it(self, counter: Desk) -> None:
        assert (await counter.http.get(f"{ROOT}/problems/http-404")).json()["meaning"] == "Not Found"
