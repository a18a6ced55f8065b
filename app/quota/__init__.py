"""The platform's limits for people: how far each is used, and what operators change in them."""
