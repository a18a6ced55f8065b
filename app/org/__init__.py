"""The organisation: people, departments and tags, as the platform tells them.

What this is: a mirror that is kept current by a scheduled full comparison (the backbone) and by callbacks (hints that
fetch one object anew), with every change recorded, and with losses beyond the policy's budget held for a person.

What this is not: a place that changes the platform's directory. It only reads there. Who leaves a group because of a
departure is decided by `app/departures`, which hears of it through the event `person.departed`.
"""
