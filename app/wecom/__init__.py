"""The only code that speaks to Enterprise WeChat: one typed method per call we use, the shared access token, what every
error code means and what to do about it, and messages as values. It knows nothing of groups, approvals or people of
ours; it opens no transaction of a caller's, and nobody calls it while one is open (D5).
"""
