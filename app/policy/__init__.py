"""The company's policy as a document (D11): schema, versions with effective dates, rule lookup.

A policy is data: YAML in, validated as a whole, stored as an immutable version. Code asks by a stable rule key and
the document answers with its own clause number and text, so another company's document cites its own clauses. Who
decides, how long and how many stand in the document and nowhere else. This package does not carry rules out: the
domains above do.
"""
