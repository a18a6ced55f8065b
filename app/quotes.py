"""Names and sentences inside quotation marks: “ ‘ ’ ”, at every depth. Pure."""

from __future__ import annotations

from string import Formatter

_INWARDS = str.maketrans("“”‘’", "‘’“”")


def quoted(text: object) -> str:
    """The text between “ and ”; quotation marks of its own change to the inner ones."""
    return "“" + _inside(text) + "”"


def filled(template: str, **values: object) -> str:
    """`template.format(**values)`; the marks of values that stand between its own change to the inner ones."""
    said = ""
    depth = 0
    for words, name, form, _ in Formatter().parse(template):
        said += words
        depth += words.count("“") - words.count("”")
        if name is not None:
            value = format(Formatter().get_field(name, (), values)[0], form or "")
            said += _inside(value) if depth > 0 else value
    return said


def _inside(text: object) -> str:
    return str(text).translate(_INWARDS)
