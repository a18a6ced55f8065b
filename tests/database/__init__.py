"""How the service reaches its database: parameters of the URL, TLS, poolers."""
