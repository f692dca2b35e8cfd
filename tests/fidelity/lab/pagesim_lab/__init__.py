# SPDX-License-Identifier: MIT
"""The laboratory: runs an ops file on a real kernel under QEMU and tells what the kernel counted. See ../README.md."""
