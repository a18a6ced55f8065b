"""Whether a call may be made now: its turn, the sending hours, the platform's limits. Then a worker claims it."""
