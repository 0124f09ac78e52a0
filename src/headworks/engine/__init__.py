"""The engine: aligns the log to a grid of ticks, and runs graphs of blocks over it, live and over history."""
