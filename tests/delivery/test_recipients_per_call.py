"""How many recipients one call takes."""

from __future__ import annotations

from uuid import UUID

from app.delivery import recipients_per_call
from models.ids import new_id


class TestChunks:
    def test_chunks_hold_at_most_a_thousand(self) -> None:
        people = [new_id() for _ in range(1500)]

        assert [len(chunk) for chunk in recipients_per_call.chunked(people, individually=False)] == [1000, 500]
        assert [
            person for chunk in recipients_per_call.chunked(people, individually=False) for person in chunk
        ] == people
        assert len(recipients_per_call.chunked(people, individually=True)) == 1500
        assert recipients_per_call.chunked(list[UUID](), individually=False) == []
