"""Announcements: published to groups, departments and people; confirmed by card; chased once; closed with a list.

The audience is frozen at publication. In a group stands one text; the card with the button goes to each person
one-to-one, because the platform has no interactive card in groups made by an app
(messaging §2.5). There are no read receipts: a confirmation is a click.
"""
