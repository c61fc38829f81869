"""What a test's world calls its buckets and secrets."""

INBOX, DATA = "test-inbox", "test-data"
KEY_NAME = "/batchdrop/openai-api-key"
KEY = "sk-test-123456"
