"""What all distillers stand on: passes, checks at build, loading, logs, images for tools."""
