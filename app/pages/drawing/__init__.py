"""Templates, texts in two languages, moments and assets."""
