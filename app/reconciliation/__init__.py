"""Our groups as the platform shows them, compared with the desired state (policy 2.7, D13).

No event tells of a change in an internal group, so each roster is read at the policy's interval and by request.
"""
