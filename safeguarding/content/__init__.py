"""What we say: vetted answers and contacts, read strictly."""
