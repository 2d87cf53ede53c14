"""The mirror of the log in the owner's own Solid pod, and her consent that is edited there."""

import logging

# What strangers write in a pod makes the library warn, and quote them, on standard error.
logging.getLogger("rdflib").addHandler(logging.NullHandler())
