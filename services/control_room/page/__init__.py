"""The page: its files, and who may call."""
