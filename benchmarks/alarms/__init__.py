"""Alarms between deploys beside what else people use: false pages in calm months, and delay where something rises."""
