"""Every figure, each by one command; what a baseline needs is set up beside the results."""
