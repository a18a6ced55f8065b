"""What has happened to one object, from the audit trail, as people read it: who, when, what, by which clause (P5)."""
