"""The access token: one per (corp, app), fetched once for everybody, refreshed once, never in a storm."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from email.utils import format_datetime

import httpx
import pytest
from pydantic import SecretStr
from sqlmodel import col, select

from app.database import Sessions, transaction
from app.wecom.client import WecomClient
from app.wecom.errors import AppRefused, HttpFailure, NotReached, TokenRefused, WaitUntil, refusal
from app.wecom.exchange import Exchange
from app.wecom.health import ClockWatch
from app.wecom.tokens.access_token import FETCH_SECONDS, TokenAuth, TokenStore, renew_at
from app.wecom.tokens.failures import remember
from app.wecom.tokens.lease import LEASE, release_lease, take_lease
from app.wecom.tokens.secrets import SecretBox
from models.delivery import CallKind
from models.ids import APP, CONTACTS
from models.installation import AccessToken, PlatformState
from tests.fakes.clock import MONDAY_9AM, FakeClock
from tests.wecom.scripted import ScriptedPlatform, http_over, refused

CORP = "ww0000000000000001"
BOX = SecretBox(SecretStr("a-secret-key-for-tests-only-0123456789"))


class Processes:
    """Several processes of the service on one database, before one platform."""

    def __init__(self, sessions: Sessions, clock: FakeClock, scripted: ScriptedPlatform) -> None:
        self.sessions = sessions
        self.clock = clock
        self.scripted = scripted
        self.http = http_over(scripted)

    def store(self, *, secret: str = "app-secret", box: SecretBox = BOX) -> TokenStore:
        secrets = {APP: SecretStr(secret), CONTACTS: SecretStr("contacts-secret")}
        exchange = Exchange(self.http, self.clock)
        return TokenStore(self.sessions, box, self.clock, CORP, secrets=secrets, exchange=exchange)

    def client(self, store: TokenStore) -> WecomClient:
        return WecomClient(
            Exchange(self.http, self.clock), TokenAuth(store, APP), app_id=APP, agent_id=1, retry_delays=()
        )

    @property
    def fetched(self) -> int:
        return len(self.scripted.asked("gettoken"))

    async def row(self) -> AccessToken:
        async with transaction(self.sessions) as session:
            return await session.get_one(AccessToken, (CORP, APP))

    async def state(self) -> PlatformState | None:
        async with transaction(self.sessions) as session:
            return await session.get(PlatformState, f"token:{APP}")


@pytest.fixture
async def processes(sessions: Sessions, clock: FakeClock, scripted: ScriptedPlatform) -> AsyncIterator[Processes]:
    made = Processes(sessions, clock, scripted)
    yield made
    await made.http.aclose()


class TestOneForAll:
    """Token per (corp, app), single flight across replicas (F110)."""

    async def test_a_crowd_in_one_process_fetches_once(self, processes: Processes) -> None:
        store = processes.store()
        tokens = await asyncio.gather(*(store.token(APP) for _ in range(100)))
        assert {token.value for token in tokens} == {"token-1"}
        assert processes.fetched == 1

    async def test_two_processes_fetch_once(self, processes: Processes) -> None:
        answer = processes.scripted.hold_gettoken()
        stores = processes.store(), processes.store()
        waiting = asyncio.gather(*(store.token(APP) for store in stores for _ in range(20)))
        await processes.scripted.gettoken_asked.wait()
        await asyncio.sleep(0.2)  # long enough for the other process to look twice
        answer.set()
        tokens = await waiting
        assert {token.value for token in tokens} == {"token-1"}
        assert processes.fetched == 1

    async def test_a_later_process_takes_what_is_stored(self, processes: Processes) -> None:
        await processes.store().token(APP)
        assert (await processes.store().token(APP)).value == "token-1"
        assert processes.fetched == 1

    async def test_each_credential_has_its_own(self, processes: Processes) -> None:
        store = processes.store()
        assert (await store.token(APP)).value != (await store.token(CONTACTS)).value
        asked = [request.url.params["corpsecret"] for request in processes.scripted.asked("gettoken")]
        assert asked == ["app-secret", "contacts-secret"]

    async def test_another_secret_does_not_inherit_the_token(self, processes: Processes) -> None:
        await processes.store().token(APP)
        assert (await processes.store(secret="the-new-secret").token(APP)).value == "token-2"

    async def test_the_database_never_holds_it_plain(self, processes: Processes) -> None:
        await processes.store().token(APP)
        stored = (await processes.row()).token
        assert stored is not None
        assert b"token-1" not in stored

    async def test_a_token_under_another_secret_key_is_fetched_anew(self, processes: Processes) -> None:
        await processes.store().token(APP)
        other = SecretBox(SecretStr("another-secret-key-0123456789-0123456789"))
        assert (await processes.store(box=other).token(APP)).value == "token-2"

    async def test_a_token_is_not_printed(self, processes: Processes) -> None:
        assert "token-1" not in repr(await processes.store().token(APP))


class TestRenewal:
    async def test_comes_before_the_end(self, processes: Processes) -> None:
        store = processes.store()
        await store.token(APP)
        processes.clock.advance(timedelta(minutes=114))
        assert (await store.token(APP)).value == "token-1"
        processes.clock.advance(timedelta(minutes=2))
        assert (await store.token(APP)).value == "token-2"

    @pytest.mark.parametrize(("life", "renewed_after"), [(7200, 6900), (500, 250), (280, 140), (4, 10)])
    def test_never_storms_near_the_end_of_the_same_token(self, life: int, renewed_after: int) -> None:
        expires_at = MONDAY_9AM + timedelta(seconds=life)
        assert renew_at(MONDAY_9AM, expires_at) == MONDAY_9AM + timedelta(seconds=renewed_after)


class TestRefusedTokens:
    """On 40014 and 42001 alike: refetch once, replay once, no storm (F111)."""

    async def test_a_hundred_refusals_fetch_one_token(self, processes: Processes) -> None:
        clients = [processes.client(processes.store()) for _ in range(2)]
        await asyncio.gather(*(client.call(CallKind.MESSAGE_SEND, b"{}") for client in clients))
        assert processes.fetched == 1

        # The platform forgets the token: whoever still uses it is refused.
        processes.scripted.answers("message/send", *[accepting("token-2")] * 200)
        calls = (client.call(CallKind.MESSAGE_SEND, b"{}") for client in clients for _ in range(50))
        answers = await asyncio.gather(*calls)
        assert len(answers) == 100
        assert processes.fetched == 2

    async def test_who_comes_late_with_an_old_generation_takes_the_new_one(self, processes: Processes) -> None:
        one, two = processes.store(), processes.store()
        old = await one.token(APP)
        await two.token(APP)
        fresh = await one.refused(APP, old.generation)
        assert (await two.refused(APP, old.generation)).value == fresh.value == "token-2"
        assert processes.fetched == 2

    async def test_a_token_that_stays_dead_is_not_fetched_again_and_again(self, processes: Processes) -> None:
        same = {"errcode": 0, "access_token": "dead", "expires_in": 7000}
        processes.scripted.answers("gettoken", *[same] * 50)
        processes.scripted.answers("message/send", *[refused(40014)] * 500)
        client = processes.client(processes.store())
        for _ in range(10):
            with pytest.raises(TokenRefused):
                await client.call(CallKind.MESSAGE_SEND, b"{}")
        assert processes.fetched == 2

        state = await processes.state()
        assert state is not None
        assert (state.healthy, "访问凭证无效" in state.detail) == (False, True)

    async def test_it_is_looked_at_again_a_minute_later(self, processes: Processes) -> None:
        client = processes.client(processes.store())
        processes.scripted.answers("message/send", *[refused(40014)] * 2)
        with pytest.raises(TokenRefused):
            await client.call(CallKind.MESSAGE_SEND, b"{}")
        processes.clock.advance(timedelta(seconds=61))
        await client.call(CallKind.MESSAGE_SEND, b"{}")
        state = await processes.state()
        assert state is not None
        assert state.healthy
        assert processes.fetched == 3


class TestWrongSecrets:
    """Repeated wrong secrets block our address for an hour: one failure is remembered, by everybody."""

    async def test_are_asked_once_a_minute(self, processes: Processes) -> None:
        processes.scripted.answers("gettoken", *[refused(40001, "invalid credential")] * 50)
        one, two = processes.store(), processes.store()
        for store in (one, two, one, two):
            with pytest.raises(AppRefused) as refusal:
                await store.token(APP)
            assert refusal.value.errcode == 40001
        assert processes.fetched == 1
        processes.clock.advance(timedelta(seconds=61))
        with pytest.raises(AppRefused):
            await one.token(APP)
        assert processes.fetched == 2

    async def test_a_crowd_hears_one_answer(self, processes: Processes) -> None:
        processes.scripted.answers("gettoken", *[refused(40001)] * 50)
        heard = await asyncio.gather(*(processes.store().token(APP) for _ in range(20)), return_exceptions=True)
        assert {type(error) for error in heard} == {AppRefused}
        assert processes.fetched == 1

    async def test_are_heard_by_whoever_takes_the_lease_just_then(self, processes: Processes) -> None:
        """Between looking for a remembered failure and taking the lease, the former holder may have failed."""
        now, holder = processes.clock.now(), "fails"
        async with transaction(processes.sessions) as session:
            await take_lease(session, corp_id=CORP, app_id=APP, generation=0, holder=holder, now=now)
        async with transaction(processes.sessions) as failing:
            await release_lease(failing, corp_id=CORP, app_id=APP, holder=holder)
            late = asyncio.create_task(processes.store().token(APP))
            await asyncio.sleep(0.3)  # it has looked, and waits for the row
            error = refusal(40001, "invalid credential", path="gettoken", now=now)
            await remember(failing, APP, error, secret=BOX.fingerprint("app-secret"), now=now)
        with pytest.raises(AppRefused):
            await late
        assert processes.fetched == 0

    async def test_a_corrected_secret_is_tried_at_once(self, processes: Processes) -> None:
        processes.scripted.answers("gettoken", refused(40001))
        with pytest.raises(AppRefused):
            await processes.store().token(APP)
        assert (await processes.store(secret="the-right-one").token(APP)).value == "token-1"

    async def test_are_unhealthy_since_the_first_failure_and_healthy_again_afterwards(
        self, processes: Processes
    ) -> None:
        processes.scripted.answers("gettoken", *[refused(40001)] * 2)
        store = processes.store()
        for _ in range(2):
            with pytest.raises(AppRefused):
                await store.token(APP)
            processes.clock.advance(timedelta(seconds=61))
        state = await processes.state()
        assert state is not None
        assert (state.healthy, state.since) == (False, MONDAY_9AM)
        assert "Secret 不正确" in state.detail
        await store.token(APP)
        state = await processes.state()
        assert state is not None
        assert (state.healthy, state.since) == (True, processes.clock.now())

    async def test_a_blocked_address_is_left_alone_for_the_hour(self, processes: Processes) -> None:
        processes.scripted.answers("gettoken", refused(45009))
        store = processes.store()
        for waited in (timedelta(), timedelta(minutes=59)):
            processes.clock.advance(waited)
            with pytest.raises(WaitUntil) as blocked:
                await store.token(APP)
            assert blocked.value.until == MONDAY_9AM + timedelta(hours=1)
        processes.clock.advance(timedelta(minutes=1))
        assert (await store.token(APP)).value == "token-1"

    @pytest.mark.parametrize(
        ("failure", "kind"),
        [(httpx.ConnectError("refused"), NotReached), (httpx.ReadTimeout("late"), HttpFailure)],
        ids=repr,
    )
    async def test_a_passing_failure_is_shared_for_a_moment_only(
        self, processes: Processes, failure: Exception, kind: type[Exception]
    ) -> None:
        processes.scripted.answers("gettoken", failure)
        stores = [processes.store() for _ in range(5)]
        for store in stores:
            with pytest.raises(kind):
                await store.token(APP)
        assert processes.fetched == 1
        processes.clock.advance(timedelta(seconds=2))
        assert (await stores[0].token(APP)).value == "token-1"

    @pytest.mark.parametrize("answer", [{"errcode": 0}, {"errcode": 0, "access_token": ""}])
    async def test_an_answer_without_a_token_is_none(self, processes: Processes, answer: dict[str, object]) -> None:
        processes.scripted.answers("gettoken", answer)
        with pytest.raises(HttpFailure):
            await processes.store().token(APP)

    async def test_a_write_that_got_no_token_had_no_effect(self, processes: Processes) -> None:
        processes.scripted.answers("gettoken", httpx.ReadTimeout("late"))
        with pytest.raises(HttpFailure):
            await processes.client(processes.store()).call(CallKind.MESSAGE_SEND, b"{}")
        assert processes.scripted.asked("message/send") == []


class TestLease:
    """The process that fetches has a lease; a dead one's runs out after ten seconds."""

    async def test_a_dead_leaseholder_is_waited_for_no_longer_than_its_lease(self, processes: Processes) -> None:
        async with transaction(processes.sessions) as session:
            assert await take_lease(
                session, corp_id=CORP, app_id=APP, generation=0, holder="dead", now=processes.clock.now()
            )
        waiting = asyncio.create_task(processes.store().token(APP))
        await asyncio.sleep(0.2)
        assert not waiting.done()
        assert processes.fetched == 0
        processes.clock.advance(LEASE)
        assert (await waiting).value == "token-1"

    async def test_only_one_takes_it(self, processes: Processes) -> None:
        async def take(holder: str) -> bool:
            async with transaction(processes.sessions) as session:
                return await take_lease(
                    session, corp_id=CORP, app_id=APP, generation=0, holder=holder, now=processes.clock.now()
                )

        taken = await asyncio.gather(*(take(f"process-{number}") for number in range(8)))
        assert taken.count(True) == 1

    async def test_a_slow_process_that_lost_its_lease_does_not_overwrite(self, processes: Processes) -> None:
        answer = processes.scripted.hold_gettoken()
        slow = asyncio.create_task(processes.store().token(APP))
        await processes.scripted.gettoken_asked.wait()
        processes.clock.advance(LEASE)
        quick = await processes.store().token(APP)
        answer.set()
        assert (await slow).value == quick.value
        assert (await processes.row()).generation == 1

    async def test_a_cancelled_fetch_holds_nobody_up(self, processes: Processes) -> None:
        processes.scripted.hold_gettoken()
        store = processes.store()
        first = asyncio.create_task(store.token(APP))
        await processes.scripted.gettoken_asked.wait()
        first.cancel()
        assert (await asyncio.wait_for(store.token(APP), 2)).generation == 1
        assert processes.fetched == 2

    async def test_no_transaction_is_open_while_the_platform_is_called(self, processes: Processes) -> None:
        answer = processes.scripted.hold_gettoken()
        fetching = asyncio.create_task(processes.store().token(APP))
        await processes.scripted.gettoken_asked.wait()
        # A transaction that held the row would make this wait for the whole fetch.
        async with transaction(processes.sessions) as session:
            locked = await session.execute(
                select(AccessToken).where(col(AccessToken.app_id) == APP).with_for_update(nowait=True)
            )
            assert locked.scalar_one().refreshing_until == processes.clock.now() + LEASE
        answer.set()
        assert (await fetching).value == "token-1"

    def test_fetching_gives_up_before_the_lease_ends(self) -> None:
        assert timedelta(seconds=FETCH_SECONDS) < LEASE


def accepting(token: str) -> Callable[[httpx.Request], httpx.Response]:
    """The platform takes this token and refuses every other."""

    def answer(request: httpx.Request) -> httpx.Response:
        accepted = request.url.params["access_token"] == token
        return httpx.Response(200, json={"errcode": 0, "errmsg": "ok"} if accepted else refused(42001))

    return answer


class TestClockWatch:
    """What the platform's `Date` tells of our clock is kept for `/readyz`."""

    async def noted(self, processes: Processes) -> PlatformState:
        async with transaction(processes.sessions) as session:
            return await session.get_one(PlatformState, "clock")

    @pytest.mark.parametrize(
        ("seconds", "healthy", "told"),
        [(1, True, ""), (-30, True, ""), (90, False, "比企业微信慢 90 秒"), (-90, False, "比企业微信快 90 秒")],
    )
    async def test_a_wrong_clock_is_told(self, processes: Processes, seconds: int, healthy: bool, told: str) -> None:
        watch = ClockWatch(processes.sessions, processes.clock)
        await watch.observe(format_datetime(MONDAY_9AM + timedelta(seconds=seconds)))
        state = await self.noted(processes)
        assert (state.healthy, state.facts) == (healthy, {"offset_seconds": seconds})
        assert told in state.detail

    async def test_is_written_when_it_changes_or_every_five_minutes(self, processes: Processes) -> None:
        watch, clock = ClockWatch(processes.sessions, processes.clock), processes.clock
        written = []
        for after, ahead in ((0, 0), (1, 3), (1, 60), (1, 62), (300, 62)):
            clock.advance(timedelta(seconds=after))
            await watch.observe(format_datetime(clock.now() + timedelta(seconds=ahead)))
            written.append((await self.noted(processes)).updated_at == clock.now())
        assert written == [True, False, True, False, True]

    @pytest.mark.parametrize("date", [None, "", "not a date"])
    async def test_an_answer_without_a_date_tells_nothing(self, processes: Processes, date: str | None) -> None:
        await ClockWatch(processes.sessions, processes.clock).observe(date)
        async with transaction(processes.sessions) as session:
            assert await session.get(PlatformState, "clock") is None
