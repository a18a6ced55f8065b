"""The `steward` command: what an operator runs. Tables for people, `--json` for programs, non-zero on failure."""

from app.cli.root import main

__all__ = ["main"]
