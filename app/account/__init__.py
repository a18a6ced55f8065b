"""What people are told about their own account of the service."""
