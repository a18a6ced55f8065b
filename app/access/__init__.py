"""Who may call: the API keys of other services, their scopes, and how a request is recognised (F93)."""
