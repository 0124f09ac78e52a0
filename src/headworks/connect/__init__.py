"""How equipment reaches the platform: codecs without I/O, device-facing endpoints, and the way into the log."""
