"""What the body of a message may say: cards, texts in parts, the bytes of a request."""
