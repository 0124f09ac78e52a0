"""Protocols as bytes in, packets out. Nothing here opens a socket or reads a clock."""
