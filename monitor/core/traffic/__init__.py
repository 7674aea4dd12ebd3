"""The traffic that anchors stand for: what of it they represent, what is new in it, and what left it."""
