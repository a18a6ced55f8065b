"""Who is meant: the people behind an expression of the policy (`department_head`, `role:hr`, `tag:…`).

What this is: the one place that looks an expression up in the organisation. The value itself belongs to the policy
(`app/policy/sections/people.py`), and so does the walk over a document (`app/policy/expressions.py`).

What this is not: a decision about who is asked or told in the end. Each caller keeps those who *may act*. This word and
*gone* are defined in `app/org/rules.py`, with a table.
"""
