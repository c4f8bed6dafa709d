"""What every service of the lab shares: settings, switches, the admin plane, the client and the metrics."""
