"""Lists of the console: sorted by their columns, on every page and in the file."""

from __future__ import annotations

import csv
import re
from html import unescape
from io import StringIO

import pytest

from app.database import transaction
from app.org.search.spelling import sorting_key
from models.ids import new_id
from models.org import Person, PersonStatus
from tests.pages.furnished import furnish
from tests.pages.operations import let
from tests.pages.world import Browser, House

SORTED = {
    "people": ["name", "position", "status"],
    "groups": ["name", "type", "state"],
    "announcements": ["title", "class", "published", "deadline"],
    "tasks": ["number", "title", "state", "progress", "due"],
    "requests": ["number", "title", "state", "submitted"],
}
FORMULA = "=HYPERLINK(1)"


@pytest.fixture(scope="module")
async def administrator(shared_house: House) -> Browser:
    house, now = shared_house, shared_house.clock.now()
    await let(house.services, house.company, "zhao", "administrator")
    async with transaction(house.services.sessions) as session:
        await furnish(session, house.company, now=now)
        session.add_all(
            Person(
                id=new_id(),
                name=(name := FORMULA if number == 0 else f"新人{number % 7}"),
                name_key=sorting_key(name, of_people=True),
                status=PersonStatus.ACTIVE if number % 3 else PersonStatus.DISABLED,
                first_seen_at=now,
                updated_at=now,
            )
            for number in range(120)
        )
    return await house.signed_in("zhao")


async def listed(browser: Browser, path: str) -> list[str]:
    """The ids that the pages of a list link to, from the first to the last."""
    kind = path.split("?", maxsplit=1)[0]
    found: list[str] = []
    while path:
        page = await browser.get(path)
        assert page.status_code == 200, page.text
        found += re.findall(rf'href="{kind}/([0-9a-f-]{{36}})"', page.text)
        following = re.search(r'rel="next" href="([^"]+)"', page.text)
        path = unescape(following[1]) if following else ""
    return found


@pytest.mark.parametrize("kind", SORTED)
async def test_a_header_says_how_the_list_is_sorted(administrator: Browser, kind: str) -> None:
    page = await administrator.get(f"/console/{kind}")
    usual = re.search(r'aria-sort="(\w+)"', page.text)
    assert (usual is None) == (kind in {"requests", "tasks"}), "the latest change is no column of these"
    for name in SORTED[kind]:
        for sort, direction, other in ((name, "ascending", f"-{name}"), (f"-{name}", "descending", name)):
            page = await administrator.get(f"/console/{kind}?sort={sort}")
            assert page.text.count("aria-sort") == 1
            assert f'aria-sort="{direction}"><a class="sort" href="/console/{kind}?sort={other}"' in page.text


@pytest.mark.parametrize("sort", ["name", "-name", "status", "-status", "position", "-position"])
async def test_pages_go_on_in_the_order(administrator: Browser, sort: str) -> None:
    forth = await listed(administrator, f"/console/people?sort={sort}")
    assert len(forth) == len(set(forth)) > 120
    back = await listed(administrator, f"/console/people?sort={sort.removeprefix('-') if '-' in sort else '-' + sort}")
    assert forth == list(reversed(back))


async def test_the_order_stays_with_a_filter(administrator: Browser) -> None:
    page = await administrator.get("/console/people?sort=-name&status=active")
    assert '<input type="hidden" name="sort" value="-name">' in page.text
    assert "export.csv?sort=-name&amp;status=active" in page.text


@pytest.mark.parametrize("kind", SORTED)
async def test_the_file_holds_the_list_in_its_order(administrator: Browser, kind: str) -> None:
    page = await administrator.get(f"/console/{kind}")
    assert f'href="/console/{kind}/export.xlsx"' in page.text
    sort = "-name" if kind in {"people", "groups"} else "-title"
    file = await administrator.get(f"/console/{kind}/export.csv?sort={sort}")
    assert file.headers["content-type"].startswith("text/csv")
    rows = list(csv.reader(StringIO(file.text.removeprefix("\ufeff"))))
    assert len(rows) - 1 == len(await listed(administrator, f"/console/{kind}"))
    book = await administrator.get(f"/console/{kind}/export.xlsx?sort={sort}")
    assert book.content[:2] == b"PK"


async def test_the_file_of_people_is_what_was_filtered(administrator: Browser) -> None:
    file = await administrator.get("/console/people/export.csv?status=disabled&sort=-name")
    names = [row[0] for row in csv.reader(StringIO(file.text.removeprefix("\ufeff")))][1:]
    assert len(names) == 40
    assert f"'{FORMULA}" in names, "no program calculates it"
    assert names[:1] == ["新人6"]


async def test_a_file_holds_no_more_than_the_page(shared_house: House) -> None:
    """李军 is an employee; 王芳 heads research, and sees her people alone."""
    li, wang = await shared_house.signed_in("li"), await shared_house.signed_in("wang")
    for kind in SORTED:
        assert (await li.get(f"/console/{kind}/export.csv")).status_code == 403
        file = await wang.get(f"/console/{kind}/export.csv")
        rows = list(csv.reader(StringIO(file.text.removeprefix("\ufeff"))))
        assert len(rows) - 1 == len(await listed(wang, f"/console/{kind}"))
    assert "薪酬" not in (await wang.get("/console/groups/export.csv")).text
