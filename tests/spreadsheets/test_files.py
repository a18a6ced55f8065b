"""Lists as files: CSV and XLSX of any length, and nothing in them that a program would calculate."""

from __future__ import annotations

import tempfile
import tracemalloc
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryFile
from urllib.parse import unquote
from zoneinfo import ZoneInfo

import pytest

from app.spreadsheets.columns import Sheet, moment, number, person, words
from app.spreadsheets.csv_lines import csv_lines
from app.spreadsheets.download import SheetFormat, disposition, download
from app.spreadsheets.workbook import write_xlsx
from tests.spreadsheets.reading import csv_rows, moment_of, xlsx_tables


@dataclass(frozen=True)
class Colleague:
    name: str = "王芳"
    department: str = "研发部、质量组"
    userid: str = "007"


@dataclass(frozen=True)
class Line:
    who: Colleague | None = Colleague()
    note: str | None = "备注"
    count: float | None = 3
    at: datetime | None = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)


SHEET: Sheet[Line] = Sheet(
    "回执",
    [
        *person(lambda line: line.who),
        words("备注", "Note", lambda line: line.note),
        number("数量", "Count", lambda line: line.count),
        moment("时间", "At", lambda line: line.at),
    ],
    ZoneInfo("Asia/Shanghai"),
)


async def portions(lines: Sequence[Line], *, at_once: int = 2) -> AsyncIterator[Sequence[Line]]:
    for start in range(0, len(lines), at_once):
        yield lines[start : start + at_once]


async def as_csv(*lines: Line, sheet: Sheet[Line] = SHEET) -> list[list[str]]:
    return csv_rows(b"".join([chunk async for chunk in csv_lines(sheet, portions(lines))]))


async def as_xlsx(
    *lines: Line, sheet: Sheet[Line] = SHEET, most_rows: int = 100
) -> list[list[list[str | float | None]]]:
    with TemporaryFile() as file:
        await write_xlsx(sheet, portions(lines), file, most_rows=most_rows)
        file.seek(0)
        return xlsx_tables(file.read())


FORMULAS = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", " =1+1", "＝1", "＠x", '=HYPERLINK("http://x","y")']


class TestCells:
    """Each column has a type; a moment is shown by the company's clock."""

    async def test_csv(self) -> None:
        titles, line = await as_csv(Line())
        assert titles == ["姓名", "部门", "账号", "备注", "数量", "时间"]
        assert line == ["王芳", "研发部、质量组", "007", "备注", "3", "2026-03-02 09:00:00"]

    async def test_xlsx(self) -> None:
        [[titles, line]] = await as_xlsx(Line())
        assert titles == ["姓名", "部门", "账号", "备注", "数量", "时间"]
        assert line[:5] == ["王芳", "研发部、质量组", "007", "备注", 3.0]
        assert moment_of(line[5]) == datetime(2026, 3, 2, 9, 0)  # noqa: DTZ001 -- the company's clock

    async def test_what_is_not_there_is_empty(self) -> None:
        assert (await as_csv(Line(None, None, None, None)))[1] == [""] * 6
        [[_, line]] = await as_xlsx(Line(None, None, None, None))
        assert not any(line)

    async def test_nothing_at_all_is_a_table_with_its_titles(self) -> None:
        assert len(await as_csv()) == 1
        [table] = await as_xlsx()
        assert len(table) == 1

    async def test_titles_in_english(self) -> None:
        english = Sheet(SHEET.name, SHEET.columns, SHEET.zone, in_english=True)
        assert (await as_csv(sheet=english))[0] == ["Name", "Department", "Userid", "Note", "Count", "At"]


class TestFormulas:
    """What people wrote is text in every cell, and runs on nobody's machine."""

    @pytest.mark.parametrize("text", FORMULAS)
    async def test_csv_shows_an_apostrophe_first(self, text: str) -> None:
        assert (await as_csv(Line(note=text)))[1][3] == "'" + text

    @pytest.mark.parametrize("text", ["甲=乙", "a-b", "100", "'=1", ""])
    async def test_other_texts_stay_as_they_are(self, text: str) -> None:
        assert (await as_csv(Line(note=text)))[1][3] == text

    async def test_numbers_below_zero_are_numbers(self) -> None:
        assert (await as_csv(Line(count=-2)))[1][4] == "-2"

    @pytest.mark.parametrize("text", [*FORMULAS, "http://example.com", "{=1}"])
    async def test_xlsx_holds_it_as_text(self, text: str) -> None:
        [[_, line]] = await as_xlsx(Line(note=text))
        # A carriage return is spelled out in the file: XML would lose it.
        assert str(line[3]).replace("_x000D_", "\r") == text

    async def test_quotes_commas_and_line_breaks_stay_in_their_cell(self) -> None:
        text = '第一行,"引号"\n第二行'
        assert (await as_csv(Line(note=text)))[1][3] == text


class TestLength:
    """A list of any length: in portions, in constant memory, and past the rows that one table of Excel takes."""

    async def test_a_long_list_goes_on_in_a_next_table(self) -> None:
        tables = await as_xlsx(*[Line(count=at) for at in range(5)], most_rows=3)
        assert [[line[4] for line in table[1:]] for table in tables] == [[0, 1], [2, 3], [4]]
        assert {tuple(table[0]) for table in tables} == {("姓名", "部门", "账号", "备注", "数量", "时间")}

    @pytest.mark.parametrize("ending", list(SheetFormat))
    async def test_memory_does_not_grow_with_the_list(self, ending: SheetFormat) -> None:
        async def many(count: int) -> AsyncIterator[Sequence[Line]]:
            for _ in range(count):
                yield [Line(note=f"备注 {at}") for at in range(100)]

        async def most_memory(count: int) -> int:
            tracemalloc.start()
            try:
                answer = await download(SHEET, many(count), ending=ending)
                answer._file.close()
                return tracemalloc.get_traced_memory()[1]
            finally:
                tracemalloc.stop()

        few = await most_memory(5)
        assert await most_memory(60) < few * 2

    async def test_an_error_half_way_is_an_error_and_leaves_nothing_behind(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("TMPDIR", str(tmp_path))
        monkeypatch.setitem(vars(tempfile), "tempdir", None)

        async def breaking() -> AsyncIterator[Sequence[Line]]:
            yield [Line()]
            raise LookupError("the rest is missing")

        for ending in SheetFormat:
            with pytest.raises(LookupError):
                await download(SHEET, breaking(), ending=ending)
        assert list(tmp_path.iterdir()) == []  # noqa: ASYNC240 -- nothing else waits


class TestFileName:
    """RFC 6266: a name in Chinese, and nothing that ends the header or leaves the folder."""

    def test_chinese(self) -> None:
        header = disposition("停机维护 回执", SheetFormat.XLSX)
        assert header.isascii()
        assert unquote(header.partition("UTF-8''")[2]) == "停机维护 回执.xlsx"

    @pytest.mark.parametrize(
        ("name", "written"),
        [
            ("../../etc/passwd", "etc passwd.csv"),
            ('a"; filename="b', "a ; filename= b.csv"),
            ("第一行\r\nSet-Cookie: x", "第一行 Set-Cookie x.csv"),
            ("\u202efdp.exe", "fdp.exe.csv"),
            ("", "list.csv"),
            ("长" * 200, "长" * 80 + ".csv"),
        ],
    )
    def test_what_no_file_name_takes(self, name: str, written: str) -> None:
        header = disposition(name, SheetFormat.CSV)
        assert header.isascii()
        assert header.isprintable()
        assert unquote(header.partition("UTF-8''")[2]) == written
