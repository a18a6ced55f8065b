"""The audit trail: who did what, when, under which rule. Append-only; a sealer chains the rows (P5, D17).

Domains call `service.record` in the transaction of the change. This package decides nothing.
"""
