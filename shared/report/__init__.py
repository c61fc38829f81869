"""report.json and report.html: bounded in size, and the page loads nothing."""
