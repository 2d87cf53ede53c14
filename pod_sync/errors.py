"""Every error that a pod causes, under the vault's root.

    VaultError
    └── PodError               root: one sentence that names the pod and the way out
        ├── PodUnreachable     no answer: server gone, wrong address, wrong certificate
        ├── PodRefused         an answer that is no: credentials, rights, a body beyond bounds
        ├── PodChanged         somebody else wrote the resource first
        ├── PodFull            no room is left
        └── PodForeign         an address that the vault does not go to

What is simply not there is `vault.mirrors.Vanished`.
"""

from vault.errors import VaultError

__all__ = ["PodChanged", "PodError", "PodForeign", "PodFull", "PodRefused", "PodUnreachable"]


class PodError(VaultError):
    """Root of everything a pod can cause; the local vault is as it was."""


class PodUnreachable(PodError):
    """The pod's server does not answer, or not as itself."""


class PodRefused(PodError):
    """The pod's server answers that it will not, or answers what the vault does not take."""


class PodChanged(PodError):
    """Somebody else wrote the resource first."""


class PodFull(PodError):
    """The pod has no room left for this."""


class PodForeign(PodError):
    """The address leads where the owner did not send the vault."""
