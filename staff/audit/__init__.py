"""The audit trail: who did what, when; appended to and chained, never changed."""
