"""Sends again what failed, is unknown, or was taken back from others: to one recipient, or to all that are selected."""
