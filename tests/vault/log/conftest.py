"""The log's tests share helpers with the child processes that they start."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
