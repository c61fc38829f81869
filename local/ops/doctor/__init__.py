"""`batchdrop doctor`: what is wrong with an account and a stack, and the command that mends it."""
