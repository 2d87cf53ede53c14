"""The sealed log: entries that only their owner reads and that nobody changes unnoticed."""
