"""A short run of `make fuzz`: what was worth keeping, and a few thousand new ones."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.fakes.clock import MONDAY_9AM
from tests.fuzz.attack import Attack, Attacker
from tests.fuzz.siege import Siege, corpus, siege

ATTACKS = 3_000
SEED = 4711


@pytest.fixture
def attacker() -> Attacker:
    return Attacker(at=int(MONDAY_9AM.timestamp()))


async def played(database: str, attacks: list[Attack]) -> Siege:
    async with siege(database) as found:
        await found.play(attacks)
    return found


async def test_what_was_kept_is_answered_with_a_4xx_or_stored(database: str) -> None:
    kept = list(corpus())
    found = await played(database, kept)

    assert found.failures == []
    assert sum(found.statuses.values()) == len(kept) > 30


async def test_a_few_thousand_hostile_requests_are_answered_with_a_4xx_or_stored(
    database: str, attacker: Attacker
) -> None:
    found = await played(database, [attacker.make(SEED + number) for number in range(ATTACKS)])

    assert found.failures == []
    assert found.statuses[200] > ATTACKS // 20, "some get through: what is inside is hostile, too"
    assert {400, 403, 404, 413} <= set(found.statuses)


async def test_the_siege_itself_can_fail(database: str, attacker: Attacker) -> None:
    """Honest callbacks that it holds for forgeries are reported."""
    made = (attacker.make(number) for number in range(200))
    found = await played(database, [replace(attack, may_be_stored=False) for attack in made])

    assert any("nobody who may" in failure.why for failure in found.failures)


def test_the_same_number_makes_the_same_attack(attacker: Attacker) -> None:
    assert attacker.make(17) == attacker.make(17)
    assert Attack.from_json(attacker.make(17).as_json()) == attacker.make(17)
