import hashlib

import httpx
import pytest

from tests.sandbox.world import Json, World

PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 40


async def upload(world: World, endpoint: str, content: bytes, name: str = "a.png", **query: str) -> Json:
    params = {"access_token": await world.token(world.config.app_secret)} | query
    files = {"media": (name, content, "application/octet-stream")}
    answer = await world.http.post(f"/cgi-bin/{endpoint}", params=params, files=files)
    result: Json = answer.json()
    return result


async def fetch(world: World, media_id: str, **headers: str) -> httpx.Response:
    params = {"access_token": await world.token(world.config.app_secret), "media_id": media_id}
    return await world.http.get("/cgi-bin/media/get", params=params, headers=headers)


class TestTemporary:
    async def test_whole_and_in_pieces(self, world: World) -> None:
        content = bytes(range(256))
        media_id = (await upload(world, "media/upload", content, "报表.xlsx", type="file"))["media_id"]
        whole = await fetch(world, media_id)
        assert whole.content == content
        assert "%E6%8A%A5%E8%A1%A8.xlsx" in whole.headers["content-disposition"]
        piece = await fetch(world, media_id, range="bytes=16-31")
        assert (piece.status_code, piece.content) == (206, content[16:32])
        assert (await fetch(world, media_id, range="bytes=250-")).content == content[250:]
        assert (await fetch(world, media_id, range="bytes=-6")).content == content[250:]
        assert (await fetch(world, media_id, range="bytes=900-")).status_code == 416

    async def test_gone_after_three_days(self, world: World) -> None:
        answer = await upload(world, "media/upload", b"some content", "a.txt", type="file")
        assert isinstance(answer["created_at"], str)
        await world.client.advance_clock(3 * 86_400 + 1)
        assert (await fetch(world, answer["media_id"])).json()["errcode"] == 40007

    @pytest.mark.parametrize(
        ("content", "kind", "errcode"), [(b"12345", "file", 40006), (b"123456", "gif", 40004), (b"123456", "file", 0)]
    )
    async def test_what_is_taken(self, world: World, content: bytes, kind: str, errcode: int) -> None:
        assert (await upload(world, "media/upload", content, type=kind))["errcode"] == errcode


class TestPermanentPicture:
    async def test_has_an_address_that_lasts(self, world: World) -> None:
        url = (await upload(world, "media/uploadimg", PNG))["url"]
        await world.client.advance_clock(30 * 86_400)
        answer = await world.http.get(url)
        assert (answer.content, answer.headers["content-type"]) == (PNG, "image/png")

    async def test_only_pictures_and_only_so_many(self, world: World) -> None:
        assert (await upload(world, "media/uploadimg", b"plain text"))["errcode"] == 40123
        await world.client.change_limits(image_per_month=1)
        assert [(await upload(world, "media/uploadimg", PNG))["errcode"] for _ in range(2)] == [0, 45009]

    async def test_temporary_media_are_no_pictures(self, world: World) -> None:
        media_id = (await upload(world, "media/upload", PNG, type="image"))["media_id"]
        assert (await world.http.get(f"/pictures/{media_id}")).status_code == 404


class TestFetchedByThePlatform:
    async def job(self, world: World, content: bytes, md5: str) -> Json:
        def serve(request: httpx.Request) -> httpx.Response:
            return httpx.Response(200, content=content) if request.method == "GET" else httpx.Response(200)

        async with httpx.AsyncClient(transport=httpx.MockTransport(serve)) as http:
            world.state.pusher.given_http = http
            body = {"scene": 1, "type": "file", "filename": "a.pdf", "url": "https://files.test/a.pdf", "md5": md5}
            job = await world.app("media/upload_by_url", body)
            for task in list(world.state.jobs.running):
                await task
            await world.client.wait_idle()
            return await world.app("media/get_upload_by_url_result", {"jobid": job["jobid"]})

    async def test_done(self, world: World) -> None:
        done = await self.job(world, b"a large file", hashlib.md5(b"a large file").hexdigest())  # noqa: S324
        assert (done["status"], done["detail"]["errcode"]) == (2, 0)
        assert (await fetch(world, done["detail"]["media_id"])).content == b"a large file"
        assert "upload_media_job_finish" in (await world.client.callbacks("app"))[-1]["plaintext"]

    async def test_wrong_checksum(self, world: World) -> None:
        failed = await self.job(world, b"a large file", "0" * 32)
        assert (failed["status"], failed["detail"]["errcode"]) == (3, 301019)

    async def test_bad_addresses(self, world: World) -> None:
        body = {"scene": 1, "type": "file", "filename": "a", "url": "ftp://x", "md5": "0"}
        assert (await world.app("media/upload_by_url", body))["errcode"] == 830001
        assert (await world.app("media/get_upload_by_url_result", {"jobid": "x"}))["errcode"] == 40088
