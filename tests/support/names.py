"""What a test's world calls its buckets and secrets."""

INBOX, DATA, AUDIT = "test-inbox", "test-data", "test-audit"
KEY_NAME = "/batchdrop/openai-api-key"
KEY = "sk-test-123456"
