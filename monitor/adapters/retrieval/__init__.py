"""The dense leg of the real index: a folder per store, and beside them what is the same for all of them."""
