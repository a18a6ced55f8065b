"""Differences that nobody approved: noted once, told once to those who answer for the group, closed when they are gone
or when a person closes them (P4).
"""
