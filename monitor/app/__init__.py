"""Configuration, the loop, the gate and the wiring."""
