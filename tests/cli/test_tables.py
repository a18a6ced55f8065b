"""Lists fit the terminal or wrap by records; in a pipe each record is a line."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from typing import Any

import pytest
from rich.cells import cell_len
from rich.console import Console

from app.cli.tables import print_list
from tests.cli.conftest import Steward

ID = "01a1fa05-ffd1-7117-b1d9-d592fb457143"
MOMENT = datetime(2026, 3, 2, 18, tzinfo=UTC)
COLUMNS = ("id", "created_at", "path", "reason")
ROW = {
    "id": ID,
    "created_at": MOMENT,
    "path": "/cgi-bin/message/update_template_card",
    "reason": "企业微信没有回答，不知道这条消息有没有发出：请先看看收件人的手机再决定 [要不要重发]",
}


def printed(width: int, rows: list[dict[str, Any]], columns: tuple[str, ...], *, terminal: bool = True) -> str:
    console = Console(file=io.StringIO(), width=width, force_terminal=terminal, color_system=None)
    print_list(console, rows, as_json=False, title="外发调用", columns=columns)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def joined(text: str) -> str:
    """What stands in the cells, without frames and line breaks."""
    return "".join(character for character in text if not character.isspace() and character not in "│┃┡╇┩├┼┤")


class TestTerminal:
    @pytest.mark.parametrize("width", [80, 100, 120, 200])
    def test_no_line_is_wider_than_the_terminal(self, width: int) -> None:
        assert max(map(cell_len, printed(width, [ROW, ROW], COLUMNS).splitlines())) <= width

    @pytest.mark.parametrize("width", [80, 120, 200])
    def test_nothing_that_is_copied_is_torn(self, width: int) -> None:
        text = printed(width, [ROW], COLUMNS)
        assert ID in text
        assert "2026-03-02" in text
        assert "/cgi-bin/message/update_template_card" in text

    def test_a_list_that_fits_is_a_table(self) -> None:
        first, *_ = [line for line in printed(80, [ROW], ("id", "created_at")).splitlines() if ID in line]
        assert "2026-03-02 18:00:00" in first

    def test_a_list_that_does_not_fit_has_a_line_for_each_column(self) -> None:
        lines = printed(80, [ROW, ROW], COLUMNS).splitlines()
        for column in COLUMNS:
            assert len([line for line in lines if line.startswith(f"│ {column} ")]) == 2

    def test_a_sentence_is_whole_and_its_brackets_are_no_markup(self) -> None:
        sentence = "".join(ROW["reason"].split())  # type: ignore[attr-defined]
        assert sentence in joined(printed(80, [ROW], COLUMNS))


class TestPipe:
    def test_each_record_is_one_whole_line(self) -> None:
        lines = printed(80, [ROW, ROW | {"reason": "一\n二"}], COLUMNS, terminal=False).splitlines()
        assert [line.split("\t") for line in lines] == [
            list(COLUMNS),
            [ID, "2026-03-02 18:00:00", ROW["path"], ROW["reason"]],
            [ID, "2026-03-02 18:00:00", ROW["path"], "一 二"],
        ]

    async def test_the_program_writes_so_into_a_pipe(self, steward: Steward) -> None:
        await steward(
            "api-key", "create", "一个名字很长很长很长的系统", "--scope", "org:read", "--scope", "groups:read"
        )
        ran = await steward("api-key", "list", COLUMNS="40")
        head, *rows = ran.out.splitlines()
        assert {line.count("\t") for line in rows} == {head.count("\t")}
        assert any("一个名字很长很长很长的系统" in line and "org:read" in line for line in rows)
