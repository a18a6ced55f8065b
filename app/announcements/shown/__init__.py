"""What people see of announcements: their lists, and one announcement with their own receipt or everybody's."""
