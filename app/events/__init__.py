"""What happened: a typed catalogue, one call that publishes, and the feed that other services read (D23, F98).

An event is the one way that news travels upwards. `service` is the public face; the rest is ours.
"""
