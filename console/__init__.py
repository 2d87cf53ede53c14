"""Talks to people: the command line and the demo; the one room where parts are chosen."""
