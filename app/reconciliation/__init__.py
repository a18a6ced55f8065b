"""What the platform shows of our groups, compared with what we want (policy 2.7, D13).

No event tells of a change in an internal group, so each roster is read at the policy's interval and by request.
"""
