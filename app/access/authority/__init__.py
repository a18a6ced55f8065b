"""Who may do what, where, and why (D21): what people hold by their standing, by their role and by a grant."""
