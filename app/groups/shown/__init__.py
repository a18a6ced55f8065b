"""What people see of groups."""
