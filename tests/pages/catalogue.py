"""What the pages say, as it stands in templates and code, beside the English catalogue.

`python -m tests.pages.catalogue` brings `app/pages/locale/en.po` up to date: new texts come with an empty translation,
and texts that nobody says any more go.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Final

from babel.messages import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

from app.pages.drawing.catalogue import ENGLISH, FILE

ROOT: Final = Path(__file__).parents[2]
TEMPLATES: Final = [("**/templates/**.html", "jinja2")]
CODE: Final = [("**.py", "python")]
OPTIONS: Final = {
    "**/templates/**.html": {
        "trim_blocks": "true",
        "lstrip_blocks": "true",
        "extensions": "jinja2.ext.do,jinja2.ext.loopcontrols",
    }
}
HEADER: Final = "# The English of the pages. The Chinese stands in the templates and in the code."


@cache
def said() -> dict[str, list[str]]:
    """Every text, with where it stands."""
    found: dict[str, list[str]] = {}
    in_templates = extract_from_dir(ROOT / "app", TEMPLATES, OPTIONS, keywords={"_": None})
    in_code = extract_from_dir(ROOT / "app", CODE, keywords={"phrase": None})
    for path, line, text, _comments, _context in [*in_templates, *in_code]:
        found.setdefault(text if isinstance(text, str) else text[0], []).append(f"app/{path}:{line}")
    return found


def translated() -> Catalog:
    with FILE.open("rb") as source:
        return read_po(source, locale=ENGLISH)


def main() -> None:
    old = translated()
    # With the date of the old one: a new one in each change would part the same line in all of them.
    date = old.creation_date
    new = Catalog(locale=ENGLISH, charset="utf-8", header_comment=HEADER, fuzzy=False, creation_date=date)
    for text in sorted(said()):
        known = old.get(text)
        new.add(text, known.string if known is not None else "")
    with FILE.open("wb") as target:
        write_po(target, new, width=0, omit_header=False)


if __name__ == "__main__":
    main()
