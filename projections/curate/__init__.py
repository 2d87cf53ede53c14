"""What makes a data set worth training on: which examples are learned, how often, under which words."""
