"""The risk engine: from a message to a severity and the signals that say why."""
