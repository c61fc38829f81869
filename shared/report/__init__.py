"""report.html: one file that loads nothing, and a size that does not grow with the job."""
