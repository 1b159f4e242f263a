"""Patches: bodies that say what changes in an object, applied to it and validated by its type.

`MergePatch` names the new values of fields (RFC 7396), and `JSONPatch` has a list of operations (RFC 6902).
"""

from ropewalk.typed.patches.json_patch import JSONPatch
from ropewalk.typed.patches.merge_patch import MergePatch

__all__ = ["JSONPatch", "MergePatch"]
