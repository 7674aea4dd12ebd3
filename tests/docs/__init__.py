"""The documentation: built, generated, linked and executed."""
