"""What an application must say, who may apply for whom, and what those hear and may answer whom it is about."""
