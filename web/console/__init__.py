"""The staff door: sign-in, queue, escalation, outcome. Its own process and origin."""
