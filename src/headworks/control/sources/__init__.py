"""Sources: where samples come from, how they are, and connecting OPC UA servers by browsing. Records are devices of `twin`."""
