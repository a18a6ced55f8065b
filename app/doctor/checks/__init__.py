"""What the doctor looks at: the configuration, what is outside, the platform, the database."""
