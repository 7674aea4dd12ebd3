"""Alarms between deploys: a series of churn, what is normal, evidence against that, a budget of false pages."""
