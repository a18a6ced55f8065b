"""Tasks: assigned to one responsible person, accepted, progressed, blocked and done from the card; followed up.

A card's button carries no text, so the card says "half done", "blocked" or "done"; a percentage or a note comes by
REST. A task ends once: done and cancelled are final. Overdue is told to people and written down; nobody gets a point.
"""
