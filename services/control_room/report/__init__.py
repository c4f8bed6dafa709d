"""The report: a post-mortem of what was played, in Markdown, with its charts."""
