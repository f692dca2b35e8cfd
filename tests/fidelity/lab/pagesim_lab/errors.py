# SPDX-License-Identifier: MIT
"""What ends the laboratory early, and with which status."""


class BadInput(Exception):
    """A wrong option or file: one clear line, status 2."""


class Failed(Exception):
    """The laboratory could not do its work: status 1."""
