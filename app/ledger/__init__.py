"""The outgoing ledger (D6): every call that changes something on the platform is a row before it is made.

A call is recorded together with the decision that caused it, held while it may not go, claimed by one worker, made
outside of any transaction, and recorded again with its outcome. `rules.RECOVERY` says what happens to a call whose
outcome is unknown. The ledger knows which people a call carries a message to, and nothing of what the message says.
"""
