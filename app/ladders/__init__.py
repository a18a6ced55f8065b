"""What falls due for people by itself, and how it reaches them: nobody gets the same words twice.

A timer does not speak. It says whom its rung reaches (`service.reach`), in its own transaction. What has fallen due is
then said together (`tell.py`): of two rungs about one thing the higher, and several things in one message.
"""
