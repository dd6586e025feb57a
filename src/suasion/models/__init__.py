"""Anything that can speak: the engine, remote providers, rules; and what is done to a base."""

from suasion.models.threads import wait_politely

# Here, since nothing that starts torch is imported before its package: see `threads`.
wait_politely()
