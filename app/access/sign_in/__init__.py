"""A person is who WeCom says (D20): the way there and back, one-time links, and the sessions that follow."""
