"""Staff: accounts with their roles, and signed-in sessions."""
