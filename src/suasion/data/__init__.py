"""Data sets: one file each, with loader, provenance and licence."""
