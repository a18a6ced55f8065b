"""The frame of the pages, signing in, and who may see what."""
