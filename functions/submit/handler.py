"""The queue asks for a part by its name."""

from functools import cache

from functions.submit.flow import submit
from shared.edges import Edges
from shared.queue_handler import part_handler

edges = cache(Edges.in_lambda)
handler = part_handler("submit", edges, submit)
