"""Everything that learns or measures. It may import all other rooms; nothing imports it."""
