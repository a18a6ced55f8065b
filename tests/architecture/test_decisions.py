"""Decision records: a number is used once, and docs/decisions/README.md lists every record under its title."""

from __future__ import annotations

import re

from tests.architecture.source import ROOT

FOLDER = ROOT / "docs" / "decisions"
RECORDS = sorted(path for path in FOLDER.glob("*.md") if path.name != "README.md")


def test_a_record_has_a_number_of_its_own() -> None:
    matches = {path.name: re.fullmatch(r"(\d{4})-[a-z0-9-]+\.md", path.name) for path in RECORDS}
    assert [name for name, match in matches.items() if match is None] == []
    numbers = [match[1] for match in matches.values() if match]
    assert numbers
    assert sorted(set(numbers)) == numbers


def test_the_list_has_every_record_with_its_number_and_title() -> None:
    wanted = []
    for path in RECORDS:
        title = re.fullmatch(r"# (\d+)\. (.+)", path.read_text(encoding="utf-8").splitlines()[0])
        assert title, path
        assert int(title[1]) == int(path.name[:4])
        wanted.append(f"{title[1]}. [{title[2]}]({path.name})")
    listed = (FOLDER / "README.md").read_text(encoding="utf-8").splitlines()
    assert [line for line in listed if re.match(r"\d+\. ", line)] == wanted
