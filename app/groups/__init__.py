"""Work groups that the policy asks for: registered before they exist, joined and left by application.

The desired state and what the platform shows are separate columns (D13). Approvals, departures and administrators write
the first. Ledger calls carry it out, and a row beside each call says what it asks for, by person (`GroupChange`). A
comparison reads `appchat/get` for the second, because no event reports a change in an internal group. A difference that
nobody approved is a finding (P4). The app cannot reach groups that people make in the client, nor customer groups: they
are not in here.
"""
