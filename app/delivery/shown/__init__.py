"""What people see of messages, apart from what they say."""
