"""`make evaluate`: what Lantern hears, misses and wrongly hears, on messages it never learned."""
