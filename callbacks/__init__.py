"""What arrives from the platform, and the promise made to it.

A callback that is answered with 200 is committed (P1), and takes effect once, whatever is repeated (P2). Intake does
five things: verify, decrypt, read the header, store once, answer. What an event *means* happens later, in
`app.inbox.processor`, through the table in `callbacks.handlers`. Nothing here calls the platform.
"""
