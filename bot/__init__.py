"""What the Rasa server loads. Imports only the pure part of safeguarding."""
