//! The HTTP floor every REST connector stands on: retry, budgets, paging, streaming, redaction.
