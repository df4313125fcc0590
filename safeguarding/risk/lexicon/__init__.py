"""The reviewed phrases of content/risk: read, matched, and weighed by what stands around them."""
