"""Maintained state, a room each: chunk table, dense and lexical lists, copies, statistics; the engine over them."""
