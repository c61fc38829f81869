"""All deliberate mistakes."""

from tests.mutations import (
    audit,
    costs,
    files,
    jobs,
    ledger,
    libraries,
    rules,
    tables,
    template,
    webhooks,
)

ROWS = (
    *jobs.ROWS,
    *ledger.ROWS,
    *costs.ROWS,
    *files.ROWS,
    *libraries.ROWS,
    *audit.ROWS,
    *rules.ROWS,
    *tables.ROWS,
    *template.ROWS,
    *webhooks.ROWS,
)
