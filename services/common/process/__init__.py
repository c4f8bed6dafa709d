"""The process: what every service runs on, from its settings to its admin plane."""
