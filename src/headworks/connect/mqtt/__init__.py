"""The MQTT endpoint devices connect to. Not a broker: a device is known by its token and only speaks for itself."""
