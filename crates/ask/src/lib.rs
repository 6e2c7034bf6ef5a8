//! Questions and answers with citations, in threads.
