"""Query logs, the raw material of `anchors build`, in the forms that people have."""
