"""What was measured, kept and found again: columnar store, exactly-once writers, queries over Arrow Flight."""
