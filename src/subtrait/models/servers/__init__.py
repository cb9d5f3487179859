"""Models behind OpenAI-compatible servers: what a name means, how replies are fetched, what is tried beforehand."""
