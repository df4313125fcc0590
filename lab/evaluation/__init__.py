"""`make evaluate`: what Lantern finds, misses and wrongly raises, on messages it never learned."""
