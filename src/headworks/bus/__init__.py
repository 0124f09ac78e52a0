"""The bus: how samples, marks, plans, conditions and jobs travel (NATS JetStream)."""
