"""Triggered by a queue: a part may be ready to land."""

from functools import cache

from functions.land.flow import land
from shared.jobs.edges import JobEdges
from shared.jobs.part_handler import part_handler

edges = cache(JobEdges.in_lambda)
handler = part_handler("land", edges, land)
