"""Lists that leave the service as files: each stands in the audit trail."""
