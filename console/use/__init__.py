"""What a person can do, as functions: the command line, the demo and later the pages share them."""
