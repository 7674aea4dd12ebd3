"""The measurements of ranked lists, one group per file; every function is vectorised over anchors."""
