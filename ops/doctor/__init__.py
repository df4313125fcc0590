"""`python -m lantern doctor`: what is still missing before young people may write here."""
