"""Scripting over HTTP: what administrators, people with phones and the network do."""
