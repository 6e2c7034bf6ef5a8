//! The seam to the parser, so that a program can bring its own.

use std::sync::Arc;

use async_trait::async_trait;
use catchment_core::Result;
use catchment_documents::{Input, Parsed, Parser};

/// Turns a file into text.
#[async_trait]
pub trait Parse: Send + Sync {
    /// Reads one file. Dropping the future stops it. An error is about this file only, except
    /// that `Config` ends the import.
    async fn parse(&self, input: Input) -> Result<Parsed>;

    /// The largest file it takes, in bytes: larger ones are not even downloaded.
    fn max_bytes(&self) -> u64;
}

#[async_trait]
impl Parse for Parser {
    async fn parse(&self, input: Input) -> Result<Parsed> {
        Parser::parse(self, input).await
    }

    fn max_bytes(&self) -> u64 {
        self.limits().bytes
    }
}

/// So that many engines share one parser.
#[async_trait]
impl<P: Parse + ?Sized> Parse for Arc<P> {
    async fn parse(&self, input: Input) -> Result<Parsed> {
        (**self).parse(input).await
    }

    fn max_bytes(&self) -> u64 {
        (**self).max_bytes()
    }
}
