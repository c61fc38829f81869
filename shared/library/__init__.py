"""Libraries: folders that stay OpenAI vector stores; what is decided about them."""
