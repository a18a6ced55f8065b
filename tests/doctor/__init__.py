"""The doctor, against a sandbox and a service with one thing broken at a time."""
