"""The staff console: sign-in, list, escalation, outcome, content. Its own process and origin."""
