"""What the platform allows in a span of time, and what is left of it (P7).

`limits.yaml` is the table of limits. Uses are counted in slots (`windows`), one row per counter and subject
(`counters`), shared by all processes. The ledger reserves with the transaction that claims a call (`reserve`); every
call of the client takes from a block that this process has leased for the path (`leases`), and nobody calls a path that
the platform has blocked (`breaker`). Which calls count for what is known above, in `app/delivery` and `app/wecom`.
"""
