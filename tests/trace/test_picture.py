"""F118: one picture of callback → decision → call → result, out of rows that name what led to them."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

from sqlalchemy.ext.asyncio import AsyncSession

from app.trace.picture import DEEPEST, MOST_ALIKE, Branch, Node, picture_of
from app.trace.service import Ref, TraceEntry, TraceKind
from tests.company import Company
from tests.fakes.clock import MONDAY_9AM
from tests.trace.test_trace import ONE, OTHER, decided_by_click, of

EVENT, REQUEST, CALL = Ref("received_event", "1"), Ref("request", "r"), Ref("outgoing_call", "c")


def entry(
    kind: TraceKind, ref: Ref, *, said: str = "", about: Ref | None = None, by: Ref | None = None, minute: int = 0
) -> TraceEntry:
    at = MONDAY_9AM + timedelta(minutes=minute)
    return TraceEntry(at=at, kind=kind, chinese=said or kind, english="", ref=ref, about=about, caused_by=by)


def drawn(branches: list[Branch]) -> list[object]:
    """Kinds, each with those of what followed."""
    return [_drawn(node) for branch in branches for node in branch.nodes]


def _drawn(node: Node) -> object:
    below = drawn(node.branches)
    return (node.entry.kind.value, below) if below else node.entry.kind.value


def depth_of(branches: list[Branch]) -> int:
    return max((1 + depth_of(node.branches) for branch in branches for node in branch.nodes), default=0)


class TestStory:
    """callback → decision → call → result."""

    async def test_what_a_click_led_to(self, session: AsyncSession, company: Company) -> None:
        await decided_by_click(session, company)
        [beginning] = (await of(session, OTHER)).picture[0].nodes
        assert beginning.entry.kind is TraceKind.RECEIVED
        [decided] = beginning.followed
        assert decided.entry.kind is TraceKind.DECIDED
        recorded = decided.followed
        assert [one.entry.state for one in recorded] == ["step.approved", "request.approved"]
        assert {one.entry.kind for one in recorded[-1].followed} == {TraceKind.CALLED}

    async def test_what_a_submission_led_to(self, session: AsyncSession, company: Company) -> None:
        await decided_by_click(session, company)
        submitted = (await of(session, ONE)).picture[0].nodes[0]
        calls = [one for one in _all_below(submitted) if one.entry.kind is TraceKind.CALLED]
        assert calls
        assert {below.entry.kind for one in calls for below in one.followed} == {
            TraceKind.ANSWERED,
            TraceKind.DELIVERED,
        }

    def test_nothing_is_lost(self) -> None:
        entries = [
            entry(TraceKind.RECEIVED, EVENT),
            entry(TraceKind.DECIDED, Ref("decision", "d"), about=REQUEST, by=EVENT),
            entry(TraceKind.RECORDED, Ref("audit_entry", "1"), about=REQUEST, by=EVENT),
            entry(TraceKind.CALLED, CALL, about=REQUEST, by=REQUEST),
            entry(TraceKind.ANSWERED, Ref("answer", "c"), about=CALL, by=CALL),
            entry(TraceKind.WAITING, Ref("job", "7")),
            entry(TraceKind.CALLED, Ref("outgoing_call", "x"), by=Ref("group", "of nobody")),
        ]
        assert drawn(picture_of(entries)) == [
            ("received", [("decided", [("recorded", [("called", ["answered"])])])]),
            "waiting",
            "called",
        ]


def _all_below(node: Node) -> list[Node]:
    return [one for below in node.followed for one in (below, *_all_below(below))]


class TestMuch:
    def test_what_came_again_and_again_stays_within_a_phone(self) -> None:
        calls = [Ref("outgoing_call", str(number)) for number in range(40)]
        tried = [entry(TraceKind.CALLED, calls[0])]
        tried += [entry(TraceKind.CALLED, one, by=before) for before, one in pairwise(calls)]
        assert depth_of(picture_of(tried)) == DEEPEST

    def test_many_that_say_the_same_are_their_number(self) -> None:
        calls = [entry(TraceKind.CALLED, Ref("outgoing_call", str(number)), said="发送消息") for number in range(100)]
        [branch] = picture_of(calls)
        assert (branch.is_folded, len(branch.nodes)) == (True, 100)
        [few] = picture_of(calls[:MOST_ALIKE])
        assert not few.is_folded

    def test_what_comes_later_is_the_cause_of_nothing(self) -> None:
        """Two that name each other are no circle."""
        one = entry(TraceKind.CALLED, CALL, by=Ref("outgoing_call", "d"))
        other = entry(TraceKind.CALLED, Ref("outgoing_call", "d"), by=CALL)
        assert drawn(picture_of([one, other])) == [("called", ["called"])]
