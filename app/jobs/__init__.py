"""Our thin edge to PgQueuer, the durable queue on PostgreSQL, and to timers (D3, D4).

A *job* is background work of the machine; a *task* is something a person does. This package knows no domain: it
runs functions by name. Jobs are at-least-once and may overlap, so each claims its own row first.
"""
