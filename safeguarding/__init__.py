"""The foundation every room stands on. Knows no web or dialogue framework."""
