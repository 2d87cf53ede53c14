"""The pages: a server for one person on her own machine, over the same use cases as the commands."""
