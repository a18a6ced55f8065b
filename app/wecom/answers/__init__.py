"""Answers of the platform as they arrive: JSON read with care, and what in it could not be taken as it is."""
