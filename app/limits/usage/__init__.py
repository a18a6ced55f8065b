"""How much of each limit is used: counters in slots, reservations for calls, leases for reads."""
