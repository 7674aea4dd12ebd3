"""Kafka: the source, dead letters, producing."""
