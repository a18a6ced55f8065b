"""Pages for employees, inside WeCom and on a phone first (D22)."""
