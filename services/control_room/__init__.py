"""The page, the lab's one public API, scenes and the activity log."""
