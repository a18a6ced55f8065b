"""The menu of the app in WeCom: which entries it has, and that the platform shows them (F117)."""
