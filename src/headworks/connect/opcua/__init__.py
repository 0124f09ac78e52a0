"""OPC UA servers as sources: sessions we open, values we subscribe to, address spaces people browse."""
