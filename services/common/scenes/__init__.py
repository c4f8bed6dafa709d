"""Scenes: what one is, how its file is read, played and measured, and those that come with the lab."""
