"""What those who run the service see of all requests together: figures, and verdicts in a trace."""
