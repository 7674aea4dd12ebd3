"""A table of PostgreSQL with the extension pgvector, asked as production asks it, and only ever read."""
