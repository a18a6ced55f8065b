"""What the page of a task says of what has happened."""

from __future__ import annotations

import re

from app.database import transaction
from models.tasks import TaskEntry
from tests.builders import tasks
from tests.pages.world import House


async def test_progress_is_told_where_somebody_tells_of_it_and_is_named(house: House) -> None:
    async with transaction(house.services.sessions) as session:
        task = await tasks.task(session, house.person("wang"), house.person("li"), now=house.clock.now())
        for kind, progress in (("reminded", 0), ("progressed", 40), ("overdue", 40)):
            session.add(
                TaskEntry(
                    task_id=task.id, kind=kind, progress=progress, via="pages", correlation_id="1", at=house.clock.now()
                )
            )
    li = await house.signed_in("li")
    page = await li.get(f"/me/tasks/{task.id}")
    told = [
        " ".join(re.sub("<[^>]+>", " ", step).split()) for step in re.findall(r"<li><p>(.*?)</p>", page.text, re.DOTALL)
    ]
    assert told == ["布置任务 王芳", "催办", "汇报进展 进展 40%", "已逾期"]
