"""Import the examples as users do: from their own folder."""

import sys

from tests.processes import EXAMPLES

sys.path.insert(0, str(EXAMPLES))
