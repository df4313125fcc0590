"""From a verdict of staff to an example and a test (docs/review-to-example.md)."""
