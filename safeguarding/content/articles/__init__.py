"""Articles, stories and tools: texts with sources, one section an audience."""
