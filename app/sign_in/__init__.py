"""The pages on which people come in: to WeCom and back, the first administrator's link, signing out (D20)."""
