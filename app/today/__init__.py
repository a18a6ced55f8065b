"""今日: what waits for one person, over all domains in one list (F168). Each domain says its part in its manifest."""
