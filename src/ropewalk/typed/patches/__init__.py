"""Patches: request bodies that describe changes to an object. The object is validated against its type after the
changes.

`MergePatch` has the new values of fields (RFC 7396), and `JSONPatch` has a list of operations (RFC 6902).
"""

from ropewalk.typed.patches.json_patch import JSONPatch
from ropewalk.typed.patches.merge_patch import MergePatch

__all__ = ["JSONPatch", "MergePatch"]
