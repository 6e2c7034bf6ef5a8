//! Embedders and language models: OpenAI-compatible endpoints and local model directories.
