//! The connector: the root, and what the capabilities share.

use std::{path::PathBuf, sync::Arc};

use catchment_core::{Account, Browse, Connector, Download, Result, async_trait};

use crate::{blocking::blocking, filter::Filter, tree::Tree, windows::Windows};

/// A folder of this machine.
#[derive(Debug)]
pub(crate) struct LocalFolder {
    pub(crate) tree: Arc<Tree>,
    pub(crate) windows: Arc<Windows>,
}

impl LocalFolder {
    pub(crate) fn new(root: PathBuf, follow: bool, filter: Filter) -> Self {
        Self { tree: Arc::new(Tree { root, follow, filter }), windows: Arc::default() }
    }
}

#[async_trait]
impl Connector for LocalFolder {
    async fn check(&self) -> Result<Account> {
        let tree = Arc::clone(&self.tree);
        blocking(move |_| {
            tree.list_root()?;
            let path = tree.root.display().to_string();
            let name = tree.root.file_name().map_or_else(|| path.clone(), |name| name.to_string_lossy().into_owned());
            Ok(Account { id: path.clone(), name, details: vec![("path".to_owned(), path)], ..Account::default() })
        })
        .await
    }

    fn browse(&self) -> Option<&dyn Browse> {
        Some(self)
    }

    fn download(&self) -> Option<&dyn Download> {
        Some(self)
    }
}
