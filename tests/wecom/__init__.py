"""The platform client: every code, the shared token, time-outs, and the sandbox through the real client."""
