"""Judging: policy, bounds, the verdict on a deploy, and alert rules."""
