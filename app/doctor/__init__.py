"""`steward doctor` (F105): is everything set up as WeCom's console needs it, and if not, which page to open?

Each check looks at one thing, in the order in which the console asks for it, and ends in a sentence. Nothing here
changes anything: not on the platform, not in the database. It asks all parts, so it stands above them.
"""
