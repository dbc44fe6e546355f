//! Receivers and amounts are nobody's but the owner's: the file and those beside it have the rights 0600.

use std::fs::OpenOptions;
use std::path::Path;

use super::file::beside;
use crate::store::error::StoreError;

/// Has a new file be its owner's alone from its first moment.
#[cfg(unix)]
pub(super) fn make(options: &mut OpenOptions) {
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
}

/// Takes the rights of others away where a umask or an earlier release left them. SQLite gives the files that it makes
/// beside a database the rights of the database.
#[cfg(unix)]
pub(super) fn keep(path: &Path) -> Result<(), StoreError> {
    use std::fs::Permissions;
    use std::io::ErrorKind;
    use std::os::unix::fs::PermissionsExt as _;

    for end in ["", "-wal", "-shm", "-journal", ".lock"] {
        let path = beside(path, end);
        let mode = match path.metadata() {
            Ok(file) => file.permissions().mode() & 0o7777,
            Err(error) if error.kind() == ErrorKind::NotFound => continue,
            Err(source) => return Err(StoreError::File { path, source }),
        };
        if mode == 0o600 {
            continue;
        }
        match std::fs::set_permissions(&path, Permissions::from_mode(0o600)) {
            Ok(()) => {}
            // Another worker that ends takes its log away.
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(source) => return Err(StoreError::Exposed { path, mode, source }),
        }
    }
    Ok(())
}

/// Elsewhere files have the rights of their folder.
#[cfg(not(unix))]
pub(super) fn make(_: &mut OpenOptions) {}

#[cfg(not(unix))]
pub(super) fn keep(_: &Path) -> Result<(), StoreError> {
    Ok(())
}
