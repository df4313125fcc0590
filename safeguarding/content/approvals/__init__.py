"""Who has signed which words of the content."""
