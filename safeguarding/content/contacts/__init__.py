"""Services that a person can be sent to, and which of them fit this person now."""
