"""The English of the pages, by their Chinese: one line each in english.txt."""

from pathlib import Path

_LINES = (Path(__file__).parent / "english.txt").read_text(encoding="utf-8").splitlines()

ENGLISH: dict[str, str] = {chinese: english for chinese, _, english in (line.partition(" = ") for line in _LINES)}
