"""A userid that comes back after its person has left: somebody new, until a person says who it is (D17)."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from models.org import UseridReview

RETURNED_USERIDS = """
SELECT c.userid, c.person_id, former.person_id
FROM sync_people c
CROSS JOIN LATERAL (
  SELECT u.person_id FROM person_userids u WHERE u.userid = c.userid AND u.ended_at IS NOT NULL
  ORDER BY u.ended_at DESC, u.id DESC LIMIT 1
) former
WHERE c.is_new
"""


async def open_reviews(session: AsyncSession, *, now: datetime) -> None:
    """A userid that came back after its person had left inherits nothing until a person links the two (D17)."""
    rows = (await session.execute(text(RETURNED_USERIDS))).all()
    session.add_all(
        UseridReview(userid=userid, new_person_id=new_id, former_person_id=former_id, found_at=now)
        for userid, new_id, former_id in rows
    )
    await session.flush()
