"""Alarm records: what the state machine of `headworks.alarming` decides, kept and shown."""
