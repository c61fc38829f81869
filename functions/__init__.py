"""The functions, each a package of its own that imports nothing of the others."""

from shared.startup import rest

rest()
