"""XML elements as pydantic models: the one reader behind every event class.

A field names where its value stands (`tag("SelectedItems/SelectedItem")`), with the spellings the platform has used.
Element names are compared without regard to case, because the pages differ; unknown elements are ignored; a blank
element counts as absent unless the field is text. Lists gather every sibling, through every wrapper.
"""

from __future__ import annotations

import types
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Self, Union, get_args, get_origin
from xml.etree.ElementTree import Element as XmlElement

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ModelWrapValidatorHandler,
    ValidationError,
    model_validator,
)
from pydantic.fields import FieldInfo

from callbacks.envelope import find_all, text_of

_PATHS = "paths"


def tag(*paths: str) -> Any:
    """A value that may be absent: empty text, None or an empty list then."""
    return Field(default="", json_schema_extra={_PATHS: list(paths)})


def number(*paths: str) -> Any:
    return Field(default=None, json_schema_extra={_PATHS: list(paths)})


def many(*paths: str) -> Any:
    return Field(default_factory=list, json_schema_extra={_PATHS: list(paths)})


def one(*paths: str) -> Any:
    return Field(default=None, json_schema_extra={_PATHS: list(paths)})


def required(*paths: str) -> Any:
    """An element without which the event says nothing."""
    return Field(json_schema_extra={_PATHS: list(paths)})


def _split(value: Any) -> Any:
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


CommaTexts = Annotated[tuple[str, ...], BeforeValidator(_split)]
CommaNumbers = Annotated[tuple[int, ...], BeforeValidator(_split)]


def commas(*paths: str) -> Any:
    """A comma-separated text; None where the platform did not send the element at all."""
    return Field(default=None, json_schema_extra={_PATHS: list(paths)})


class Element(BaseModel):
    """An XML element that is read by the names of its fields' tags."""

    model_config = ConfigDict(frozen=True, extra="ignore", str_strip_whitespace=False)

    readers: ClassVar[tuple[Reader, ...]]

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        super().__pydantic_init_subclass__(**kwargs)
        cls.readers = tuple(_reader(name, info) for name, info in cls.model_fields.items())

    @model_validator(mode="wrap")
    @classmethod
    def without_what_cannot_be(cls, values: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        """An element that nobody needs and that holds what its type cannot counts as absent: it stops no event."""
        try:
            return handler(values)
        except ValidationError as error:
            faulty = {str(fault["loc"][0]) for fault in error.errors() if fault["loc"]}
            if not faulty or any(
                name not in cls.model_fields or cls.model_fields[name].is_required() for name in faulty
            ):
                raise
            return handler({name: value for name, value in values.items() if name not in faulty})

    @classmethod
    def from_xml(cls, root: XmlElement) -> Self:
        """Raises pydantic's ValidationError where an element that is needed holds what its type cannot."""
        return cls.model_validate(cls.values_of(root))

    @classmethod
    def values_of(cls, root: XmlElement) -> dict[str, Any]:
        return {reader.name: value for reader in cls.readers if (value := reader.read(root)) is not None}


@dataclass(frozen=True, slots=True)
class Reader:
    """How one field is read from an element."""

    name: str
    paths: tuple[str, ...]
    nested: type[Element] | None
    is_list: bool
    is_text: bool

    def read(self, root: XmlElement) -> Any:
        """None when there is nothing to read. The first spelling that has a value wins."""
        blank: str | None = None
        for path in self.paths:
            found = [self._value(node) for node in find_all(root, path)]
            if values := [value for value in found if value != ""]:
                return values if self.is_list else values[0]
            if found and self.is_text and not self.is_list:
                blank = ""
        return blank

    def _value(self, node: XmlElement) -> Any:
        if self.nested:
            return self.nested.values_of(node)
        return text_of(node)


def _reader(name: str, info: FieldInfo) -> Reader:
    extra = info.json_schema_extra
    paths: Any = extra[_PATHS] if isinstance(extra, dict) and _PATHS in extra else ()
    kind = _without_none(info.annotation)
    is_list = get_origin(kind) is list
    inner = get_args(kind)[0] if is_list else kind
    nested = inner if isinstance(inner, type) and issubclass(inner, Element) else None
    # A comma list that is present and empty says "none", which is not the same as silence.
    is_text = inner is str or get_origin(inner) in {Annotated, tuple}
    return Reader(name, tuple(paths), nested, is_list, is_text)


def _without_none(annotation: Any) -> Any:
    if get_origin(annotation) in {Union, types.UnionType}:
        return next(part for part in get_args(annotation) if part is not type(None))
    return annotation
