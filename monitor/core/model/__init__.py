"""The words of the system as frozen types: events, chunks and changes, anchors, segments, ranked lists, reports."""
