//! Files of a local folder.
