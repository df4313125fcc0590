"""What is wrong with the content: facts, numbers, language, reading level."""
