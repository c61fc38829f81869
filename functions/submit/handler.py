"""Each message names a part to submit."""

from functools import cache

from functions.submit.flow import submit
from shared.jobs.edges import JobEdges
from shared.jobs.part_handler import part_handler

edges = cache(JobEdges.in_lambda)
handler = part_handler("submit", edges, submit)
