"""What people see of requests: their lists, the way of one request so far, and what they may do now."""
