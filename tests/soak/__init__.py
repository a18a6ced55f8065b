"""`make soak`: the demo's story while processes and database are killed at random (P1, P2, P3), processes are frozen,
connections are cut, the disk is full, tokens are refused, and the platform is too busy for some seconds.

Real processes, a real PostgreSQL with fsync, `kill -9`, SIGSTOP. A round ends well when the story came true and the
books agree: every callback that was answered 200 is stored and handled, no phone shows a message twice, every recipient
is in one state, nothing was written off but by a person, the audit chain holds. A call whose outcome nobody can know is
visible, and a person settles it.
"""
