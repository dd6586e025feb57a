"""Suasion: what did this change do to how my model influences people?"""

__version__ = "0.1.0"
