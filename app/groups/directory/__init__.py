"""Groups as a person sees them: those they are in, those they can find, and what they may apply for (1.14, F128)."""
