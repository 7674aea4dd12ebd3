"""Production's own retriever: asked over HTTP as users ask it, or overheard in a log of searches."""
