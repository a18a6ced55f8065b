"""Hostile callbacks against the real application: never a 5xx, and nothing stored that was not signed.

`make fuzz`; `python -m tests.fuzz --help`. What is worth playing first stands in `corpus.jsonl`; what failed is saved.
"""
