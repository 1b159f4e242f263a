"""Keep responses, so that they need not be made for each request (RFC 9111).

cache = Cache()

@app.get("/rooms")
@cache(60, tags=["rooms"])
def rooms(): ...

await cache.purge(tags=["rooms"])
"""

from ropewalk.caching.cache import Cache
from ropewalk.caching.layer import CachingLayer
from ropewalk.caching.options import CacheOptions
from ropewalk.caching.rules import CacheRules

__all__ = ["Cache", "CacheOptions", "CacheRules", "CachingLayer"]
