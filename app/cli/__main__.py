"""`python -m app.cli`: the same as `steward`."""

from app.cli.root import main

main()
