"""Webhooks: who wants to hear of what, and what is sent to them."""
