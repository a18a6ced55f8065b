"""An announcement on its way out: whom it concerns, what is asked before, and what is said."""
