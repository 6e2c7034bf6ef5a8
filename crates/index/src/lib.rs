//! Chunks, embeddings and search: the embedded index of Catchment.
