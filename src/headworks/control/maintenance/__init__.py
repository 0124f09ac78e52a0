"""Work orders: what people do about an alarm or a defect, and what came of it."""
