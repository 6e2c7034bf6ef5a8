//! Actions: what else can be done at a vendor, each with the schema of its input.

use async_trait::async_trait;
use schemars::Schema;
use serde_json::Value;

use crate::error::Result;

/// The capability to do other things at the vendor: send a message, create an event.
#[async_trait]
pub trait Actions: Send + Sync {
    /// What can be done.
    fn list(&self) -> Vec<Action>;

    /// Does it. The input has the shape of the action's schema; a field that does not fit is
    /// [`Config`](crate::ErrorKind::Config) and names the field.
    async fn invoke(&self, name: &str, input: Value) -> Result<Value>;
}

/// Something that can be done at the vendor.
#[derive(Debug, Clone)]
pub struct Action {
    /// Its stable name.
    pub name: &'static str,
    /// What it does, for a person or a model that chooses.
    pub description: &'static str,
    /// The shape of the input.
    pub input: Schema,
    /// Whether it changes something at the vendor.
    pub writes: bool,
}
