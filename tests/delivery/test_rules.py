"""How many recipients one call takes."""

from __future__ import annotations

from uuid import UUID

from app.delivery import rules
from models.ids import new_id


class TestChunks:
    def test_chunks_hold_at_most_a_thousand(self) -> None:
        people = [new_id() for _ in range(1500)]

        assert [len(chunk) for chunk in rules.chunked(people, individually=False)] == [1000, 500]
        assert [person for chunk in rules.chunked(people, individually=False) for person in chunk] == people
        assert len(rules.chunked(people, individually=True)) == 1500
        assert rules.chunked(list[UUID](), individually=False) == []
