//! Registers sqlite-vec with the SQLite that sqlx links: the one unsafe line of the workspace.

use std::sync::OnceLock;

use catchment_core::{Error, Result};

/// Makes `vec0` tables known to every connection that is opened afterwards in this process.
///
/// Whoever makes pools for [`SqliteBackend::with_pools`](crate::SqliteBackend::with_pools) calls
/// this first; doing it twice does nothing.
#[expect(unsafe_code, reason = "SQLite takes extensions as C functions only")]
pub fn register_vectors() -> Result<()> {
    /// What SQLite calls for each new connection.
    type EntryPoint = unsafe extern "C" fn(
        *mut libsqlite3_sys::sqlite3,
        *mut *mut std::ffi::c_char,
        *const libsqlite3_sys::sqlite3_api_routines,
    ) -> std::ffi::c_int;

    static REGISTERED: OnceLock<i32> = OnceLock::new();
    let code = *REGISTERED.get_or_init(|| {
        // SAFETY: `sqlite3_vec_init` is declared without parameters by its crate and defined in C
        // with exactly those of `EntryPoint`; function pointers have one size. It is linked
        // statically against the same SQLite (SQLITE_CORE), so it lives as long as the process
        // and ignores the table of API routines. `sqlite3_auto_extension` takes its own lock.
        unsafe {
            let init = std::mem::transmute::<unsafe extern "C" fn(), EntryPoint>(sqlite_vec::sqlite3_vec_init);
            libsqlite3_sys::sqlite3_auto_extension(Some(init))
        }
    });
    if code == libsqlite3_sys::SQLITE_OK {
        Ok(())
    } else {
        Err(Error::internal("cannot register the vector extension of SQLite").with("code", code))
    }
}
