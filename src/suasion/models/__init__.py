"""Anything that can speak: the engine, remote providers, rules; and what is done to a base."""
