"""What we say: vetted articles, contacts, cards and phrases, read strictly."""
