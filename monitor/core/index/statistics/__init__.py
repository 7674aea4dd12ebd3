"""Statistics of the corpus itself, per segment: kept from integers, so a chunk that left leaves no trace."""
