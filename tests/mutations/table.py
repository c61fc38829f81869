"""All deliberate mistakes."""

from tests.mutations import audit, files, jobs, ledger, libraries, rules, template

ROWS = (
    *jobs.ROWS,
    *ledger.ROWS,
    *files.ROWS,
    *libraries.ROWS,
    *audit.ROWS,
    *rules.ROWS,
    *template.ROWS,
)
