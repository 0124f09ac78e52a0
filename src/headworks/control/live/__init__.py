"""What is true now: newest values, health of assets and of the platform, and the WebSocket that tells it."""
