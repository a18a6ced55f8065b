"""A mark such as `P3`, `D16`, `F98`, `callbacks §3.4` or `doc path/90236` has a row in docs/references.md.

Where marks are read: in Python in comments and in strings that stand alone (docstrings), in every other text file
everywhere. Pages of the platform are read in the code of the sandbox as well, which names one for each endpoint.
"""

from __future__ import annotations

import ast
import io
import re
import subprocess
import tokenize
from collections.abc import Callable, Iterator
from functools import cache

import pytest
import yaml

from tests.architecture.source import ROOT

REFERENCES = ROOT / "docs" / "references.md"
PAGE = "https://developer.work.weixin.qq.com/document/path/"

READ = ("app", "callbacks", "listening", "models", "sandbox", "bench", "tests", "docs", "README.md", "CONTRIBUTING.md")
TEXTS = frozenset({".css", ".html", ".js", ".md", ".py", ".yaml"})

NOQA = re.compile(r"#\s*noqa\b[^#]*", re.IGNORECASE)
"""Codes of ruff have the form of a feature."""

PRODUCT = re.compile(r"(?<![\w#%&./-])([DPF]\d{1,3})(?![\w%]|\.\d)")
"""Not within a word, a path, a version or a colour (`#F60`)."""

PLATFORM = re.compile(r"\b(callbacks|messaging) (§\d+(?:\.\d+)?(?:, §\d+(?:\.\d+)?)*|trap \d+)(?![\d.]*\d)")
LIKE_PLATFORM = re.compile(r"§ ?[\d.]*\d|\btraps? \d+|\bwecom/[a-z-]+\.md\b")
"""What has the form of a citation, whole or not."""

PAGES = re.compile(r"\bpath/(\d{5,6})\b(?: to (?:path/)?(\d{5,6})\b)?")

CLAUSES = re.compile(r"\b[Pp]olicy (\d{1,2}\.\d{1,2}(?:(?:, | and | to )\d{1,2}\.\d{1,2})*)")


def python_prose(source: str) -> str:
    """Comments without their `noqa`, and the strings that are statements of their own."""
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    comments = [NOQA.sub("", token.string) for token in tokens if token.type == tokenize.COMMENT]
    alone = [
        node.value.value
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
    ]
    return "\n".join([*comments, *alone])


@cache
def texts() -> dict[str, tuple[str, str]]:
    """File → (what people read of it, all of it). docs/references.md itself is not asked."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z", *READ],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.split("\0")
    found = {}
    for name in filter(None, listed):
        path = ROOT / name
        if "vendor" in path.parts or path.suffix not in TEXTS or not path.exists() or path == REFERENCES:
            continue
        whole = path.read_text(encoding="utf-8")
        found[name] = (python_prose(whole) if path.suffix == ".py" else whole, whole)
    return found


def product_marks(prose: str) -> Iterator[str]:
    yield from PRODUCT.findall(prose)


def platform_marks(prose: str) -> Iterator[str]:
    """`callbacks §2.6, §2.7` is two. What names no kind of fact comes as it stands, and is in no table."""
    for note, where in PLATFORM.findall(prose):
        yield from (f"{note} {part}" for part in where.split(", "))
    yield from LIKE_PLATFORM.findall(PLATFORM.sub("", prose))


def page_marks(text: str) -> Iterator[str]:
    for ends in PAGES.findall(text):
        yield from (f"doc path/{number}" for number in ends if number)


def clause_marks(prose: str) -> Iterator[str]:
    for numbers in CLAUSES.findall(prose):
        yield from re.findall(r"\d+\.\d+", numbers)


@cache
def rows() -> tuple[tuple[str, str, list[str]], ...]:
    """(anchor, mark, further cells) of every row that has an anchor."""
    lines = REFERENCES.read_text(encoding="utf-8").splitlines()
    matches = (re.fullmatch(r'\| <a id="([^"]+)"></a>([^|]+?) \| (.+) \|', line) for line in lines)
    return tuple((match[1], match[2], match[3].split(" | ")) for match in matches if match)


def known() -> set[str]:
    return {re.sub(r"\[([^]]+)\]\([^)]+\)", r"\1", mark) for _, mark, _ in rows()}


def unknown(marks: Callable[[str], Iterator[str]], prose: str) -> list[str]:
    return [mark for mark in marks(prose) if mark not in known()]


def undefined_in_the_repository(marks: Callable[[str], Iterator[str]], *, whole: bool = False) -> dict[str, list[str]]:
    found = {name: unknown(marks, text[1] if whole else text[0]) for name, text in texts().items()}
    return {name: wrong for name, wrong in found.items() if wrong}


class TestEveryMarkHasARow:
    def test_promises_decisions_features(self) -> None:
        assert undefined_in_the_repository(product_marks) == {}

    def test_facts_about_the_platform(self) -> None:
        assert undefined_in_the_repository(platform_marks) == {}

    def test_pages_of_the_platform(self) -> None:
        assert undefined_in_the_repository(page_marks, whole=True) == {}

    def test_clauses_of_the_default_policy(self) -> None:
        source = (ROOT / "app" / "policy" / "default.yaml").read_text(encoding="utf-8")
        document = yaml.load(source, Loader=yaml.BaseLoader)  # noqa: S506  # text only: clause 1.10 is not 1.1
        cited = {name: set(clause_marks(prose)) - set(document["clauses"]) for name, (prose, _) in texts().items()}
        assert {name: wrong for name, wrong in cited.items() if wrong} == {}

    def test_there_are_marks_of_every_kind(self) -> None:
        """Otherwise the tests above would pass on nothing."""
        for marks in (product_marks, platform_marks, page_marks, clause_marks):
            assert sum(len(list(marks(prose))) for prose, _ in texts().values()) > 20, marks.__name__


class TestTable:
    def test_it_has_all_promises_decisions_and_features(self) -> None:
        wanted = {"P": 8, "D": 23, "F": 201}
        for letter, last in wanted.items():
            numbers = [int(mark[1:]) for mark in known() if re.fullmatch(rf"{letter}\d+", mark)]
            assert sorted(numbers) == list(range(1, last + 1))

    def test_an_anchor_is_used_once_and_says_the_mark(self) -> None:
        anchors = [anchor for anchor, _, _ in rows()]
        assert len(anchors) == len(set(anchors))
        for anchor, mark, _ in rows():
            plain = re.sub(r"\[([^]]+)\]\([^)]+\)", r"\1", mark).removeprefix("doc ").replace("§", "")
            assert anchor == re.sub(r"[ ./]", "-", plain).lower()

    def test_a_fact_says_something_and_links_to_a_page_of_the_table(self) -> None:
        facts = [(mark, cells) for _, mark, cells in rows() if mark.startswith(("callbacks ", "messaging "))]
        assert len(facts) > 50
        for mark, cells in facts:
            assert len(cells) == 2, mark
            links = re.findall(r"\[(\d+)\]\(([^)]+)\)", cells[1])
            assert links, mark
            assert cells[0].strip(), mark
            for number, address in links:
                assert address == PAGE + number
                assert f"doc path/{number}" in known(), mark

    def test_a_page_links_to_itself(self) -> None:
        pages = [mark for _, mark, _ in rows() if "doc path/" in mark]
        assert pages
        for mark in pages:
            match = re.fullmatch(r"\[doc path/(\d+)\]\((.+)\)", mark)
            assert match, mark
            assert match[2] == PAGE + match[1]

    def test_no_line_of_a_table_of_marks_is_malformed(self) -> None:
        """A row with an anchor that the pattern does not take would be missing without a word."""
        lines = REFERENCES.read_text(encoding="utf-8").splitlines()
        assert len([line for line in lines if "<a id=" in line]) == len(rows())


class TestGrammar:
    """What is a mark, and what only looks like one."""

    @pytest.mark.parametrize(
        ("prose", "wrong"),
        [
            ("kept (D99)", ["D99"]),
            ("P9: nothing", ["P9"]),
            ("F1–F999", ["F999"]),
            ("D16, P3 and F98", []),
            ("at P95 of all", ["P95"]),
            ("#F60 is a colour, 0xF1 a number, F401x a word, v/F999 a path, D1.5 a version", []),
            ("E501, PLR0913, UTF8, MP4", []),
        ],
    )
    def test_product(self, prose: str, wrong: list[str]) -> None:
        assert unknown(product_marks, prose) == wrong

    @pytest.mark.parametrize(
        ("prose", "wrong"),
        [
            ("callbacks §9.9", ["callbacks §9.9"]),
            ("(§1.5)", ["§1.5"]),
            ("callbacks §2.6, §2.7", []),
            ("callbacks §2.6, §9.9", ["callbacks §9.9"]),
            ("callbacks §2.6 and §2.7", ["§2.7"]),
            ("messaging §1.55", ["messaging §1.55"]),
            ("callbacks trap 34", []),
            ("callbacks trap 77", ["callbacks trap 77"]),
            ("trap 34", ["trap 34"]),
            ("see wecom/callbacks-and-contacts.md", ["wecom/callbacks-and-contacts.md"]),
        ],
    )
    def test_platform(self, prose: str, wrong: list[str]) -> None:
        assert unknown(platform_marks, prose) == wrong

    def test_pages(self) -> None:
        missing = 99_999
        assert unknown(page_marks, f"doc path/90236, path/{missing}") == [f"doc path/{missing}"]
        assert unknown(page_marks, f"doc path/90195 to {missing}") == [f"doc path/{missing}"]
        assert unknown(page_marks, "doc path/90195 to 90201") == []

    def test_clauses(self) -> None:
        assert list(clause_marks("Policy 2.6 and 1.9: leaves; policy 4.1 to 4.4")) == ["2.6", "1.9", "4.1", "4.4"]

    def test_python_is_read_where_people_read(self) -> None:
        source = 'import x  # noqa: F401 (F98)\n"""D16."""\nP99 = "F777"\n# P3\nclass A:\n    a: int\n    """F12."""\n'
        assert sorted(product_marks(python_prose(source))) == ["D16", "F12", "P3"]
        assert "F98" in python_prose("import x  # noqa: F401  # because of F98\n")
