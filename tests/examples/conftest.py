"""The examples are imported as their users have them: from their own folder."""

import sys

from tests.processes import EXAMPLES

sys.path.insert(0, str(EXAMPLES))
