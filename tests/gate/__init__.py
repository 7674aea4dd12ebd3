"""Seeded simulations of the gate: how often it is wrong, and how much it can see."""
