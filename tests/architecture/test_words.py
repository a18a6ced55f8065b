"""What people read is written as Chinese is: no ASCII punctuation, 您, quotes nested as “ ‘ ’ ”."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from app.bootstrap import REGISTRY
from app.errors import DomainError
from app.findings import messages as findings
from app.groups import messages as groups
from app.policy.document import default_source, demo_source
from app.policy.service import Citation
from app.quotes import filled, quoted
from models.groups import FindingKind, Group

ROOT = Path(__file__).parents[2]
HAN = "[\u4e00-\u9fff]"

SLIPS = {
    "comma": re.compile(f"{HAN},|, ?{HAN}"),
    "semicolon": re.compile(f"{HAN};|; ?{HAN}"),
    "parenthesis": re.compile(f"{HAN}\\(|\\({HAN}|{HAN}\\)"),
    "full stop": re.compile(f"{HAN}\\.(?:\\s|$)"),
    "question or exclamation mark": re.compile(f"{HAN}[?!]"),
    "你": re.compile("你"),
    "nested quotes": re.compile("“[^”‘]*“"),
}


def spoken(source: str) -> Iterator[tuple[int, str]]:
    """The line and the text of every string of a module that is no docstring."""
    tree = ast.parse(source)
    docstrings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
            yield node.lineno, node.value


def slips(text: str) -> list[str]:
    return [name for name, pattern in SLIPS.items() if pattern.search(text)]


def modules() -> list[Path]:
    return sorted(path for folder in ("app", "callbacks", "models") for path in (ROOT / folder).rglob("*.py"))


def refusals(source: str) -> Iterator[tuple[int, list[str]]]:
    """The line of everything that makes a `DomainError`, and the words of its sentences without what they quote."""
    assert REGISTRY.routers  # every domain is imported, and with it what it refuses
    names = {kind.__name__ for kind in family_of(DomainError)}
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and getattr(node.func, "id", getattr(node.func, "attr", "")) in names:
            yield node.lineno, [_literal(each) for each in node.args]


def _literal(sentence: ast.expr) -> str:
    parts = (node.value for node in ast.walk(sentence) if isinstance(node, ast.Constant))
    return " ".join(part for part in parts if isinstance(part, str))


def family_of(kind: type[DomainError]) -> set[type[DomainError]]:
    return {kind} | {each for child in kind.__subclasses__() for each in family_of(child)}


def test_every_refusal_is_said_in_english_too() -> None:
    found = {
        f"{path.relative_to(ROOT)}:{line}": sentences
        for path in modules()
        for line, sentences in refusals(path.read_text(encoding="utf-8"))
    }
    assert len(found) > 100
    # One sentence in each language; the Chinese one may come whole out of a table.
    assert {
        place: sentences
        for place, sentences in found.items()
        if len(sentences) != 2 or not re.search("[A-Za-z]{2}", sentences[1]) or re.search(HAN, sentences[1])
    } == {}


def test_the_sentences_of_the_service() -> None:
    found = {
        f"{path.relative_to(ROOT)}:{line}": (wrong, text)
        for path in modules()
        for line, text in spoken(path.read_text(encoding="utf-8"))
        if (wrong := slips(text))
    }
    assert found == {}


@pytest.mark.parametrize("source", [default_source(), demo_source()], ids=["default", "demo"])
def test_the_sentences_of_the_policy(source: str) -> None:
    found = {text: wrong for text in _texts(yaml.safe_load(source)) if (wrong := slips(text))}
    assert found == {}


def test_the_sentences_about_error_codes() -> None:
    source = yaml.safe_load((ROOT / "app" / "wecom" / "codes.yaml").read_text(encoding="utf-8"))
    said = [text for text in _texts(source) if re.match(HAN, text)]
    assert said
    assert {text: wrong for text in said if (wrong := slips(text))} == {}


RETIRED = {
    "已批准": "已同意",
    "获批": "已同意",
    "获得批准": "已同意",
    "不同意": "驳回",
    "未同意": "已驳回",
    "异常": "差异",
    "群变动": "群的差异",
    "群名册差异": "群的差异",
    "控制台": "管理台",
    "总览": "概览",
    "加入群聊": "加入群",
    "退出群聊": "退出群",
    "新建群": "建立群",
    "受阻": "遇到困难",
    "尚未确认": "未确认",
}
"""What was called so once, and the glossary's word for it. 批准 alone is a word of the policy."""


def retired(text: str) -> list[str]:
    return [word for word in RETIRED if word in text]


def read_by_people() -> Iterator[tuple[str, str]]:
    """Where it stands and the text: what the service says, its pages, its guides."""
    for path in modules():
        for line, text in spoken(path.read_text(encoding="utf-8")):
            yield f"{path.relative_to(ROOT)}:{line}", text
    guides = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]
    for path in [*guides, *(ROOT / "app").rglob("templates/**/*.html")]:
        for line, text in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
            yield f"{path.relative_to(ROOT)}:{line}", text


def test_one_thing_has_one_word() -> None:
    assert {place: words for place, text in read_by_people() if (words := retired(text))} == {}
    assert retired("申请已批准，见控制台") == ["已批准", "控制台"]
    assert retired("未经批准退群") == []


CITED = Citation("group.name", "1.3", "群名称应当简短易认。", 1)
QUOTED_BY_HAND = re.compile("“[^”]*\\0")


def quoted_by_hand(source: str) -> list[int]:
    """Lines where a value stands between quotation marks that do not look at the value's own."""
    tree = ast.parse(source)
    return sorted(
        node.lineno
        for node in ast.walk(tree)
        if isinstance(node, ast.JoinedStr)
        and QUOTED_BY_HAND.search(
            "".join(part.value if isinstance(part, ast.Constant) else "\0" for part in node.values)  # type: ignore[misc]
        )
    )


def formatted_by_hand(source: str) -> list[int]:
    """Lines that fill a template other than by `filled`."""
    return sorted(
        node.lineno
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "format"
    )


class TestQuotesNest:
    """policy 13: “ ‘ ’ ”, also where a name holds quotation marks of its own."""

    def test_no_module_quotes_a_value_by_hand(self) -> None:
        found = {str(path.relative_to(ROOT)): quoted_by_hand(path.read_text(encoding="utf-8")) for path in modules()}
        assert {path: lines for path, lines in found.items() if lines} == {}

    def test_words_to_people_are_filled_with_their_quotes_in_view(self) -> None:
        found = {
            str(path.relative_to(ROOT)): formatted_by_hand(path.read_text(encoding="utf-8"))
            for path in modules()
            if path.name == "messages.py"
        }
        assert {path: lines for path, lines in found.items() if lines} == {}

    def test_both_are_seen(self) -> None:
        assert quoted_by_hand('f"群“{name}”"\nf"群{quoted(name)}"\nf"“好”{name}"\nf"“甲{name}”"') == [1, 4]
        assert formatted_by_hand('"“{name}”".format(name=1)') == [1]

    @pytest.mark.parametrize(
        ("name", "said"),
        [
            ("研发部-新品", "“研发部-新品”"),
            ("研发部-“新品”", "“研发部-‘新品’”"),
            ("申请建立群“研发部-‘新品’”", "“申请建立群‘研发部-“新品”’”"),
        ],
    )
    def test_a_name_inside_a_sentence(self, name: str, said: str) -> None:
        assert quoted(name) == said
        assert filled("群“{name}”已建立", name=name) == f"群{said}已建立"
        assert filled("群（{name}）已建立", name=name) == f"群（{name}）已建立"
        assert not slips(groups.now_owner(_group(name), former="李军", why="已离职"))
        assert not slips(findings.finding(_group(name), FindingKind.RENAMED, who="", citation=CITED, detail=name))
        assert filled("“好：{name}”，{name}", name=name) == f"“好：{said[1:-1]}”，{name}"


def _group(name: str) -> Group:
    return Group(desired_name=name)  # type: ignore[call-arg]  # the rest is not told


def _texts(node: object) -> Iterator[str]:
    if isinstance(node, dict):
        for value in node.values():
            yield from _texts(value)
    elif isinstance(node, list):
        for value in node:
            yield from _texts(value)
    elif isinstance(node, str):
        yield node


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("已经送出,不需要重试", ["comma"]),
        ("时区(公司所在)", ["parenthesis"]),
        ("请你协作", ["你"]),
        ("群“研发“新品””", ["nested quotes"]),
        ("请校准时间.", ["full stop"]),
        ("“研发部-‘新品’群”已建立（NTP 已校准），请您查看。", []),
    ],
)
def test_a_slip_is_seen(text: str, wrong: list[str]) -> None:
    assert slips(text) == wrong


def test_the_demo_tells_states_in_the_words_of_the_pages() -> None:
    """What it reads back are names of states: 已完成, and not done."""
    story = (ROOT / "app/demo/story.py").read_text()
    told = re.findall(r"stage\.tell\((.*?)\n    ?\)|stage\.tell\((f[^\n]*)\)\n", story, re.DOTALL)
    bare = [said for parts in told for said in parts if re.search(r"(?<!\()\w+\[['\"](state|status)['\"]\]\}", said)]
    assert told
    assert bare == []
