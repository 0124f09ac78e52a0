"""Alarms as ISA-18.2 states: pure logic, no database, no clock."""
