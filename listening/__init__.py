"""How programs of this project listen: addresses, and HTTP/1.1 with limits.

Below everything else, and known to the service and to the sandbox alike: it imports nothing of either.
"""
