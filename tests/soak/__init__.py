"""`make soak`: the demo's story while serve, worker and database are killed at random (P1, P2, P3).

Real processes, a real PostgreSQL with fsync, `kill -9`. A round ends well when the story came true and the books agree:
every callback that was answered 200 is stored and handled, no phone shows a message twice, every recipient is in one
state, the audit chain holds. A call whose outcome nobody can know is visible, and a person settles it.
"""
