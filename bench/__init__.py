"""What the service costs: the table of speeds, each figure beside what it is measured against, in one run.

One module per row. A row starts real processes (the service as operators start it, PostgreSQL with fsync on, the
sandbox, a load generator of its own) and returns `Line`s. A ratio says more than a figure: both sides of it ran on the
same machine, turn by turn, within the same minute.
"""
