import asyncio
from datetime import UTC, datetime

import httpx
import pytest

from sandbox.client import VerificationFailed
from tests.sandbox.world import World

HELLO = "<xml><MsgType><![CDATA[event]]></MsgType><Event><![CDATA[hello]]></Event></xml>"


class TestVerification:
    """Saving an address asks it for exactly the plaintext within a second (doc path/90930)."""

    async def test_accepted(self) -> None:
        world = await World().start(listening=False)
        result = await world.client.set_callback_urls(app="http://service/app")
        assert result["app"]["ok"]
        await world.stop()

    async def test_one_byte_too_many(self) -> None:
        world = await World().start(listening=False)
        world.receiver.echo_suffix = "\n"
        with pytest.raises(VerificationFailed, match="not exactly"):
            await world.client.set_callback_urls(app="http://service/app")
        assert world.state.channels["app"].url is None
        await world.stop()

    async def test_more_than_a_second(self) -> None:
        world = await World().start(listening=False)
        world.receiver.echo_after = 1.1
        with pytest.raises(VerificationFailed, match="Timeout"):
            await world.client.set_callback_urls(app="http://service/app")
        await world.stop()

    async def test_nobody_there(self) -> None:
        world = await World().start(listening=False)
        with pytest.raises(VerificationFailed, match="404"):
            await world.client.set_callback_urls(app="http://service/nowhere")
        await world.stop()


class TestEnvelope:
    async def test_app_events_name_the_agent_and_contacts_events_do_not(self, world: World) -> None:
        await world.client.open_app((await world.userids(1))[0])
        await world.client.hire("newone", "新同事", [3], active=False)
        await world.client.wait_idle()
        app, contacts = world.receiver.received
        assert f"<AgentID><![CDATA[{world.config.agent_id}]]></AgentID>" in app.envelope
        assert "AgentID" not in contacts.envelope
        assert f"<ToUserName><![CDATA[{world.config.corp_id}]]></ToUserName>" in contacts.envelope

    async def test_text_message(self, world: World) -> None:
        userid = (await world.userids(1))[0]
        said = await world.client.say(userid, "年假还有几天？ ]]> <b>")
        await world.client.wait_idle()
        (message,) = world.receiver.received
        assert message.text("MsgType") == "text"
        assert message.text("Content") == "年假还有几天？ ]]> <b>"
        assert message.text("MsgId") == said["msgid"]
        assert int(said["msgid"]) > 2**53

    async def test_app_and_menu_events(self, world: World) -> None:
        userid = (await world.userids(1))[0]
        menu = {
            "button": [
                {"type": "view", "name": "任务", "url": "https://x.test/tasks"},
                {"name": "群管理", "sub_button": [{"type": "click", "name": "我的群", "key": "GROUPS"}]},
            ]
        }
        answer = await world.app("menu/create", menu, agentid=world.config.agent_id)
        assert answer["errcode"] == 0
        await world.client.open_app(userid)
        await world.client.menu_click(userid, "GROUPS")
        await world.client.menu_click(userid, "https://x.test/tasks")
        await world.client.wait_idle()
        heard = [(r.text("Event"), r.text("EventKey")) for r in world.receiver.received]
        assert heard == [("enter_agent", ""), ("click", "GROUPS"), ("view", "https://x.test/tasks")]


class TestClock:
    async def test_callbacks_are_stamped_by_the_sandbox_s_clock(self, world: World) -> None:
        at = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
        await world.client.set_time(at)
        await world.client.open_app((await world.userids(1))[0])
        await world.client.wait_idle()
        (event,) = world.receiver.received
        for stamp in (event.query["timestamp"], event.text("CreateTime")):
            assert abs(int(stamp) - at.timestamp()) < 30


class TestDelivery:
    async def test_in_order(self, world: World) -> None:
        userid = (await world.userids(1))[0]
        for number in range(30):
            await world.client.say(userid, str(number))
        await world.client.wait_idle()
        assert [r.text("Content") for r in world.receiver.received] == [str(n) for n in range(30)]

    async def test_silence_is_retried_and_given_up_after_three(self, world: World) -> None:
        await world.client.configure(callback_timeout_seconds=0.01)

        async def slow() -> None:
            await asyncio.sleep(5)

        world.receiver.before_answer = slow
        await world.client.open_app((await world.userids(1))[0])
        await world.client.wait_idle()
        (push,) = await world.client.callbacks()
        assert (push["statuses"], push["attempts"], push["delivered"]) == ([None, None, None], 3, False)

    async def test_retry_is_sealed_anew(self, world: World) -> None:
        broken = iter([True, False])

        async def break_once() -> None:
            if next(broken):
                raise httpx.ConnectError("broken")

        world.receiver.before_answer = break_once
        await world.client.open_app((await world.userids(1))[0])
        await world.client.wait_idle()
        (push,) = await world.client.callbacks()
        assert push["statuses"] == [None, 200]

    async def test_an_error_is_not_retried_unless_asked(self, world: World) -> None:
        userid = (await world.userids(1))[0]
        world.receiver.status = 500
        await world.client.open_app(userid)
        await world.client.wait_idle()
        assert (await world.client.callbacks())[-1]["statuses"] == [500]
        await world.client.configure(retry_on_non_200=True)
        await world.client.open_app(userid)
        await world.client.wait_idle()
        assert (await world.client.callbacks())[-1]["statuses"] == [500, 500, 500]

    async def test_without_an_address_events_are_lost(self) -> None:
        world = await World().start(listening=False)
        await world.client.open_app((await world.userids(1))[0])
        await world.client.wait_idle()
        assert (await world.client.callbacks())[0]["error"] == "no callback address"
        await world.stop()


class TestBadNetwork:
    """Callbacks late, twice, out of order or never; the platform promises none of the opposite."""

    async def said(self, world: World, count: int) -> list[str]:
        userid = (await world.userids(1))[0]
        for number in range(count):
            await world.client.say(userid, str(number))
        await world.client.wait_idle()
        return [r.text("Content") for r in world.receiver.received]

    async def test_duplicates(self, world: World) -> None:
        await world.client.configure(callback_network={"duplicates": 2})
        assert await self.said(world, 2) == ["0", "0", "0", "1", "1", "1"]

    async def test_loss(self, world: World) -> None:
        await world.client.configure(callback_network={"lose_every": 2})
        assert await self.said(world, 4) == ["0", "2"]
        assert (await world.client.callbacks())[-1]["error"] == "lost on purpose"

    async def test_disorder(self, world: World) -> None:
        await world.client.configure(callback_network={"shuffle": True, "delay_seconds": 0.002})
        heard = await self.said(world, 30)
        assert heard != sorted(heard, key=int)
        assert sorted(heard, key=int) == [str(n) for n in range(30)]

    async def test_a_failing_service_is_a_500_and_the_next_event_still_comes(self, world: World) -> None:
        failures = iter([True, False])

        async def fail_once() -> None:
            if next(failures):
                raise RuntimeError("a bug in the service")

        world.receiver.before_answer = fail_once
        assert await self.said(world, 2) == ["1"]
        assert [push["statuses"] for push in await world.client.callbacks()] == [[500], [200]]


class TestPerKind:
    """Each kind of event can travel in its own way."""

    async def test_one_kind_is_lost_and_the_others_arrive(self, world: World) -> None:
        await world.client.configure(callback_networks={"enter_agent": {"lose_every": 1}})
        userid = (await world.userids(1))[0]
        await world.client.open_app(userid)
        await world.client.say(userid, "到了吗")
        await world.client.wait_idle()
        assert [r.text("MsgType") for r in world.receiver.received] == ["text"]

    async def test_a_contact_change_by_its_change_type(self, world: World) -> None:
        await world.client.configure(callback_networks={"delete_user": {"duplicates": 1}})
        await world.client.hire("newone", "新同事", [3], active=False)
        await world.client.delete_person("newone")
        await world.client.wait_idle()
        assert [r.text("ChangeType") for r in world.receiver.received] == ["create_user"] + ["delete_user"] * 2

    async def test_an_event_without_delay_overtakes_one_that_waits(self, world: World) -> None:
        await world.client.configure(callback_networks={"enter_agent": {"delay_seconds": 3_600}})
        userid = (await world.userids(1))[0]
        await world.client.open_app(userid)
        await asyncio.sleep(0)
        arrived = asyncio.Event()

        async def tell() -> None:
            arrived.set()

        world.receiver.before_answer = tell
        await world.client.say(userid, "先到")
        await arrived.wait()
        await world.client.advance_clock(3_600)
        await world.client.wait_idle()
        assert [r.text("MsgType") for r in world.receiver.received] == ["text", "event"]

    async def test_chances_repeat_with_the_seed(self) -> None:
        heard = []
        for _ in range(2):
            world = await World().start()
            await world.client.configure(callback_network={"lose_chance": 0.5, "duplicate_chance": 0.5})
            userid = (await world.userids(1))[0]
            for number in range(20):
                await world.client.say(userid, str(number))
            await world.client.wait_idle()
            heard.append([r.text("Content") for r in world.receiver.received])
            await world.stop()
        assert heard[0] == heard[1]
        assert 0 < len(set(heard[0])) < 20
        assert len(heard[0]) > len(set(heard[0]))


class TestOneClock:
    """Deliveries and retries wait by the sandbox's clock: a test puts it forward and they come."""

    async def test_a_late_delivery_comes_when_its_time_has_come(self, world: World) -> None:
        await world.client.configure(callback_network={"delay_seconds": 86_400})
        await world.client.open_app((await world.userids(1))[0])
        await asyncio.sleep(0)
        assert world.receiver.received == []
        await world.client.advance_clock(86_400)
        await world.client.wait_idle()
        assert len(world.receiver.received) == 1

    async def test_retries_are_spaced_by_it(self, world: World) -> None:
        await world.client.configure(callback_retry_seconds=7_200)
        attempts: asyncio.Queue[int] = asyncio.Queue()

        async def broken() -> None:
            attempts.put_nowait(1)
            raise httpx.ConnectError("broken")

        world.receiver.before_answer = broken
        await world.client.open_app((await world.userids(1))[0])
        for _ in range(3):
            await attempts.get()
            await asyncio.sleep(0.01)
            assert attempts.empty()
            await world.client.advance_clock(7_200)
        await world.client.wait_idle()
        assert (await world.client.callbacks())[0]["statuses"] == [None, None, None]

    async def test_a_retry_may_repeat_the_ciphertext(self, world: World) -> None:
        await world.client.configure(retry_on_non_200=True, retry_same_ciphertext=True)
        world.receiver.status = 503
        await world.client.open_app((await world.userids(1))[0])
        await world.client.wait_idle()
        assert len({r.envelope for r in world.receiver.received}) == 1
        assert len(world.receiver.received) == 3

    async def test_several_connections_at_once(self, world: World) -> None:
        await world.client.configure(callback_connections=5)
        under_way, most = 0, 0

        async def slow() -> None:
            nonlocal under_way, most
            under_way += 1
            most = max(most, under_way)
            await asyncio.sleep(0.01)
            under_way -= 1

        world.receiver.before_answer = slow
        userid = (await world.userids(1))[0]
        for number in range(10):
            await world.client.say(userid, str(number))
        await world.client.wait_idle()
        assert (most, len(world.receiver.received)) == (5, 10)


class TestPush:
    """Any plaintext, as often as wanted, in new or in the same ciphertext."""

    async def test_duplicates_in_new_clothes(self, world: World) -> None:
        assert await world.client.push(HELLO, "contacts", repeat=3) == [200, 200, 200]
        assert {r.plaintext for r in world.receiver.received} == {HELLO}
        assert {r.path for r in world.receiver.received} == {"/contacts"}
        assert len({r.envelope for r in world.receiver.received}) == 3
        assert len({r.query["nonce"] for r in world.receiver.received}) == 3

    async def test_the_very_same_ciphertext(self, world: World) -> None:
        await world.client.push(HELLO, repeat=3, same_ciphertext=True)
        assert len({r.envelope for r in world.receiver.received}) == 1
        assert len({r.query["msg_signature"] for r in world.receiver.received}) == 1
