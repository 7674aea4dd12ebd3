"""A corpus that lies in parts: what its shards tell each other, so that all of it comes out as of one."""
