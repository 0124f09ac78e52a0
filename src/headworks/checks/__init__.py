"""What `headworks check` looks for: promises about the repository that no compiler and no linter of the shelf keeps.

Pure functions over a folder: they read files, parse Python with `ast`, and return findings. Only `cli` imports this package.
"""

from headworks.checks.run import run_checks
from headworks.checks.system import Missing, missing_system
from headworks.checks.tree import Finding

__all__ = ["Finding", "Missing", "missing_system", "run_checks"]
