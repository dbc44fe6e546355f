//! Files that are whole at any time: written beside their place, and moved there at once.

use std::io::{self, Write as _};
use std::path::Path;

use super::failure::Failure;

/// Puts a file in its place. It may hold keys: nobody but its owner may read it.
pub(crate) fn save(path: &Path, content: &[u8]) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let beside = tempfile::Builder::new().prefix(".wechatpay-mock-").tempfile_in(folder);
    // Without the name of the file beside, which would tell nobody anything.
    let mut file = beside.map_err(|error| io::Error::from(error.kind()))?;
    file.write_all(content)?;
    file.as_file().sync_all()?;
    file.persist(path).map(drop).map_err(|error| error.error)
}

/// Why the file of this flag could not be written, and what would help.
pub(crate) fn failed(flag: &str, path: &Path, error: &io::Error) -> Failure {
    let path = path.display();
    Failure::configuration(format!("{flag}: cannot write {path}: {error}; its folder must be there"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_and_nothing_else_is_left() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        for content in ["longer than the next", "next"] {
            save(&path, content.as_bytes()).unwrap();
            assert_eq!(std::fs::read_to_string(&path).unwrap(), content);
            assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
        }
        assert!(save(&folder.path().join("no/file"), b"").is_err());
    }
}
