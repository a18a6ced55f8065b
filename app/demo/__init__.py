"""`make demo`: the whole story on one machine, told while it happens.

Starts a database, the sandbox and the service as real processes, then acts as the company's people do: over the REST
API and on their phones. Every line is read back from the service or the sandbox; a line that is not true ends the
demo with a failure.
"""
