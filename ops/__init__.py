"""Commands behind the Makefile, and the whole stack as one object."""
