"""Settings of all tests."""

from __future__ import annotations

import hypothesis

# How long an example takes depends on what else the machine does; speed is benchmarks/' matter.
hypothesis.settings.register_profile("unhurried", deadline=None)
hypothesis.settings.load_profile("unhurried")
