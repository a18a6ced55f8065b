"""What every table shares: constraint names, column types, and how enums and times are stored."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, ClassVar

from sqlalchemy import CheckConstraint, DateTime, MetaData, String, TypeDecorator
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import SQLModel

# The convention names every constraint, so that a migration can drop it by name.
NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}

metadata = MetaData(naming_convention=NAMING)


class Table(SQLModel):
    """Base of every table. Tables are not schemas: they validate nothing, so data is validated before."""

    metadata: ClassVar[MetaData] = metadata

    def __repr__(self) -> str:
        """Readable on the day an expired row reaches a log: the identity, never a refresh of the row."""
        identity = ",".join(str(value) for value in (self.__dict__.get("id"), self.__dict__.get("key")) if value)
        return f"<{type(self).__name__} {identity}>"


class EnumText(TypeDecorator[StrEnum]):
    """A StrEnum stored by value as text (SQLAlchemy would store member names)."""

    impl = String
    cache_ok = True

    def __init__(self, enum: type[StrEnum]) -> None:
        super().__init__()
        self.enum = enum

    def process_bind_param(self, value: StrEnum | str | None, dialect: Any) -> str | None:  # noqa: ARG002 -- SQLAlchemy's signature
        return None if value is None else self.enum(value).value

    def process_result_value(self, value: str | None, dialect: Any) -> StrEnum | None:  # noqa: ARG002 -- SQLAlchemy's signature
        return None if value is None else self.enum(value)


UTC_TIME = DateTime(timezone=True)
JSON_DOCUMENT = JSONB(none_as_null=True)
FOLDED = String(collation="C")
"""Userids: compared byte by byte, whatever the database's locale (D17)."""


def one_of(column: str, enum: type[StrEnum]) -> CheckConstraint:
    """The database refuses a value that the enum does not have."""
    values = ", ".join(f"'{member.value}'" for member in enum)
    return CheckConstraint(f"{column} IN ({values})", name=column)
