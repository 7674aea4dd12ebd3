"""Query logs, the raw material of `anchors build`, in the forms that people have."""

from monitor.adapters.query_log.fields import FORMS, Fields, Form
from monitor.adapters.query_log.reading import QueryLog, read_query_log

__all__ = ["FORMS", "Fields", "Form", "QueryLog", "read_query_log"]
