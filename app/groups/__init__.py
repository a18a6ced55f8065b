"""Work groups that the policy asks for: registered before they exist, joined and left by application.

What we want and what the platform shows are separate columns (D13): approvals, departures and administrators write
the first, ledger calls carry it out, and a reconciler reads `appchat/get` for the second, because no event tells of a
change in an internal group. What differs and nobody approved is a finding (P4). Groups made by people in the client,
and customer groups, are out of reach of the app's interface and not in here.

Files beyond the usual ones: `kinds.py` says what may be applied for (approvals stand below and know no kind by
themselves), `applications.py` what an approval means; the use cases are `create.py`, `roster.py`, `departures.py`,
`reconcile.py` (over a `case.py`) and `findings.py`; `readings.py` asks the platform, `outcomes.py` hears the ledger,
`views.py` names people and clauses for REST.
"""
