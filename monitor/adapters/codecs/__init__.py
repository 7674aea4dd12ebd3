"""Wire forms of corpus events: bytes that nobody has trusted yet to corpus events, or a named reason why not."""
