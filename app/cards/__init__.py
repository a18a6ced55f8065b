"""Cards that were sent (D7): somebody clicks, and everybody's card shows the outcome.

A button's key names a function of the domain that drew it (`DOMAIN.card_actions`). Many clicks of one kind are taken
together (`many_clicks.py`).
"""
