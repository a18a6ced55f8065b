"""The outgoing ledger (D6): everything this service does to the platform is a row first.

`messages` holds what is said, `outgoing_calls` each call with its exact bytes, `deliveries` who it reached. Domains
write rows through `service` in the transaction of their decision; the job `delivery.make_call` makes the calls, each
as claim → call → record, and `rules.RECOVERY` says what happens to a call whose outcome is unknown. Deciding what to
say, and to whom, is not done here; neither are passive replies to callbacks.
"""
