"""Who of the people read is new: also a userid whose person has left, until somebody says who it is (D17)."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from models.org import UseridReview

NEW_PEOPLE = """
INSERT INTO sync_people
SELECT s.fresh_id, s.userid, s.shown, true, NULL,
       CASE WHEN s.visible AND t.status IS NOT NULL THEN t.status
            WHEN t.status = 'disabled' THEN t.status ELSE 'invisible' END,
       'created', NULL, s.name, s.alias, s.position, s.main_department_id, s.direct_leader_userids, s.extra,
       s.details_known, 0, s.department_ids
FROM staged_people s
LEFT JOIN unnest(CAST(:told_numbers AS bigint[]), CAST(:told_statuses AS text[])) AS t(number, status)
  ON t.number = s.status AND s.details_known
WHERE s.run_id = :run_id AND t.status IS DISTINCT FROM 'left'
  AND NOT EXISTS (SELECT FROM person_userids u WHERE u.userid = s.userid AND u.ended_at IS NULL)
  AND NOT EXISTS (SELECT FROM person_userids u WHERE u.userid = s.userid AND u.ended_at > :as_of)
"""

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
