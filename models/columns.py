"""Column idioms, named once. Each call makes a fresh SQLModel field."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, Identity, Integer, Uuid
from sqlmodel import Field

from models.base import FOLDED, JSON_DOCUMENT, UTC_TIME, EnumText
from models.ids import new_id


def uuid_key() -> Any:
    """Primary key: a UUIDv7 of our own."""
    return Field(default_factory=new_id, sa_type=Uuid, primary_key=True)


def serial_key() -> Any:
    """Primary key: a number in order of insertion, for tables with millions of rows."""
    return Field(default=None, sa_type=BigInteger, primary_key=True, sa_column_args=(Identity(always=False),))


def ref(target: str, *, index: bool = True, primary_key: bool = False) -> Any:
    """A UUID foreign key, for example `ref("people.id")`."""
    return Field(sa_type=Uuid, foreign_key=target, index=index, primary_key=primary_key)


def optional_ref(target: str, *, index: bool = True) -> Any:
    return Field(default=None, sa_type=Uuid, foreign_key=target, index=index, nullable=True)


def big_ref(target: str, *, index: bool = True) -> Any:
    return Field(sa_type=BigInteger, foreign_key=target, index=index)


def optional_big_ref(target: str, *, index: bool = True) -> Any:
    return Field(default=None, sa_type=BigInteger, foreign_key=target, index=index, nullable=True)


def moment(*, index: bool = False) -> Any:
    """A point in time, aware, UTC."""
    return Field(sa_type=UTC_TIME, index=index)


def optional_moment(*, index: bool = False) -> Any:
    return Field(default=None, sa_type=UTC_TIME, nullable=True, index=index)


def choice(enum: type[StrEnum], default: StrEnum | None = None, *, index: bool = False) -> Any:
    """An enum stored by value. Pair it with `one_of(column, enum)` in the table's arguments."""
    if default is None:
        return Field(sa_type=EnumText(enum), index=index)
    return Field(default=default, sa_type=EnumText(enum), index=index)


def document() -> Any:
    """A JSON document that must be there (empty by default)."""
    return Field(default_factory=dict, sa_type=JSON_DOCUMENT)


def optional_document() -> Any:
    return Field(default=None, sa_type=JSON_DOCUMENT, nullable=True)


def folded() -> Any:
    """A folded userid, compared byte by byte."""
    return Field(sa_type=FOLDED)


def big_number(default: int | None = 0) -> Any:
    return Field(default=default, sa_type=BigInteger, nullable=default is None)


def platform_key() -> Any:
    """Primary key: a number that the platform gave. Departments such as 2315041299 exist."""
    return Field(primary_key=True, sa_type=BigInteger, sa_column_kwargs={"autoincrement": False})


def platform_number(default: int | None, *, index: bool = False) -> Any:
    """A number of the platform, whatever it counts: 32 bits do not hold all of them."""
    return Field(default=default, sa_type=BigInteger, nullable=default is None, index=index)


def small_number(default: int = 0) -> Any:
    return Field(default=default, sa_type=Integer)
