"""What all tests share: the same cases of a property each time, new ones in a soak."""

import os

from hypothesis import settings

settings.register_profile("same", derandomize=True, print_blob=True)
settings.register_profile("soak", print_blob=True)
settings.load_profile("soak" if os.environ.get("SEKISHO_SOAK") else "same")
