"""All deliberate mistakes."""

from tests.mutations import files, jobs, ledger, libraries, template

ROWS = (*jobs.ROWS, *ledger.ROWS, *files.ROWS, *libraries.ROWS, *template.ROWS)
