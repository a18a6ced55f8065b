"""Received events: stored once, claimed by subject, handled exactly once, parked with a reason, replayed on request.

The table is its own queue (D2). This package knows nothing of what an event means: `callbacks.handlers` brings the
function. `processor.py` stands beside the usual files because it is a long-running loop with a lifetime of its own,
neither a use case nor a job; everything it writes goes through `service.py`.
"""
