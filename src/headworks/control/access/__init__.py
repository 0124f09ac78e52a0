"""Who may do what: users, roles, sessions, the one authorisation function, the audit trail."""
