"""What people who ask the app are told of requests."""
