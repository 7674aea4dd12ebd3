"""Tests of the collection as a source."""
