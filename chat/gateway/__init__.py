"""The public door: conversations, messages, fallback, limits; serves the widget."""
