"""The organisation follows the platform: by callback, one object at a time, and by full runs (F18 to F34).

A run reads with two credentials (`fetch.py`), stages what it has read, compares it with what we have, and applies the
difference in one transaction (`changes`). Losses beyond the policy's budget wait for a person (P6).
"""
