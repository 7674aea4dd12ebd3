"""Whether what was deleted can still be retrieved: what is looked at, what was found, and what it comes to."""
