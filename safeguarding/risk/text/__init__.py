"""Text as people type it, turned into canonical words that still know where they stood."""
