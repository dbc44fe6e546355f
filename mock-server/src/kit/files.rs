//! Files of the kit: put in their places whole, and never through a link.

use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::Path;

use tempfile::NamedTempFile;

use super::KitError;

/// A certificate and a key have about 3,000 bytes.
const LIMIT: u64 = 64 * 1024;

/// Who may read a file.
#[derive(Clone, Copy)]
pub(super) enum Access {
    Public,
    Private,
}

/// For its owner only: there is a key in it, worthless as that may be.
pub(super) fn private_folder() -> io::Result<tempfile::TempDir> {
    let mut builder = tempfile::Builder::new();
    builder.prefix("wechatpay-mock-");
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o700));
    builder.tempdir()
}

/// A folder inside the kit's, made where it is missing.
pub(super) fn folder(path: &Path) -> Result<(), KitError> {
    let make = || match fs::create_dir(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            match fs::symlink_metadata(path)?.is_dir() {
                true => Ok(()),
                false => Err(io::ErrorKind::NotADirectory.into()),
            }
        }
        made => made,
    };
    make().map_err(|source| KitError::Io { path: path.to_owned(), source })
}

/// Puts a whole file in its place at once, over whatever is there: a link is replaced, never followed.
pub(super) fn write(path: &Path, bytes: &[u8], access: Access) -> Result<(), KitError> {
    let persist = |file: NamedTempFile| file.persist(path).map_err(|error| error.error);
    let written = beside(path, bytes, access).and_then(persist);
    written.map(drop).map_err(|source| KitError::Io { path: path.to_owned(), source })
}

/// The same where nothing is there yet. Whether it was so; `false` also where the file system cannot tell.
pub(super) fn write_new(path: &Path, bytes: &[u8], access: Access) -> bool {
    beside(path, bytes, access).is_ok_and(|file| file.persist_noclobber(path).is_ok())
}

/// A file that is not in its place yet.
fn beside(path: &Path, bytes: &[u8], access: Access) -> io::Result<NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(match access {
        Access::Public => 0o644,
        Access::Private => 0o600,
    }));
    #[cfg(not(unix))]
    let _ = access;
    let mut file = builder.tempfile_in(path.parent().unwrap_or(Path::new(".")))?;
    file.write_all(bytes)?;
    Ok(file)
}

/// What a file holds, or `None` where there is none.
pub(super) fn read(path: &Path) -> Result<Option<Vec<u8>>, KitError> {
    let read = || {
        let file = open(path)?;
        if !file.metadata()?.is_file() {
            return Err(io::Error::other("it is no plain file"));
        }
        let mut bytes = Vec::new();
        file.take(LIMIT + 1).read_to_end(&mut bytes)?;
        match bytes.len() as u64 > LIMIT {
            true => Err(io::Error::other("it is longer than 64 KiB")),
            false => Ok(bytes),
        }
    };
    match read() {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(KitError::Read { path: path.to_owned(), source }),
    }
}

/// Not through a link, and without waiting for the other end of a pipe.
#[cfg(unix)]
fn open(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt as _;
    File::options().read(true).custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK).open(path)
}

#[cfg(not(unix))]
fn open(path: &Path) -> io::Result<File> {
    match fs::symlink_metadata(path)?.is_file() {
        true => File::open(path),
        false => Err(io::Error::other("it is no plain file")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_and_what_is_not_there_is_nothing() {
        let dir = private_folder().unwrap();
        let path = dir.path().join("file");
        assert_eq!(read(&path).unwrap(), None);
        write(&path, b"one", Access::Public).unwrap();
        write(&path, b"two", Access::Public).unwrap();
        assert_eq!(read(&path).unwrap().unwrap(), b"two");
        assert!(!write_new(&path, b"three", Access::Public));
        assert_eq!(read(&path).unwrap().unwrap(), b"two");
        assert_eq!(fs::read_dir(&dir).unwrap().count(), 1, "nothing half-written stays");
    }

    #[test]
    fn what_is_no_file_or_too_long_is_named() {
        let dir = private_folder().unwrap();
        let path = dir.path().join("file");
        fs::write(&path, vec![0; 64 * 1024]).unwrap();
        assert_eq!(read(&path).unwrap().unwrap().len(), 64 * 1024);
        fs::write(&path, vec![0; 64 * 1024 + 1]).unwrap();
        for path in [&*path, dir.path()] {
            let error = read(path).unwrap_err();
            assert!(matches!(&error, KitError::Read { path: named, .. } if named == path));
            assert!(error.to_string().contains(path.to_str().unwrap()));
        }
        folder(dir.path()).unwrap();
        assert!(matches!(folder(&path), Err(KitError::Io { path: named, .. }) if named == path));
    }

    #[cfg(unix)]
    #[test]
    fn a_link_is_never_followed() {
        use std::os::unix::fs::{PermissionsExt as _, symlink};
        let dir = private_folder().unwrap();
        let [link, target] = ["link", "target"].map(|name| dir.path().join(name));
        fs::write(&target, "untouched").unwrap();
        symlink(&target, &link).unwrap();
        assert!(matches!(read(&link), Err(KitError::Read { .. })));
        write(&link, b"new", Access::Private).unwrap();
        assert_eq!(fs::read(&target).unwrap(), b"untouched");
        let written = fs::symlink_metadata(&link).unwrap();
        assert!(written.is_file());
        assert_eq!(written.permissions().mode() & 0o777, 0o600);

        let elsewhere = dir.path().join("elsewhere");
        symlink(dir.path(), &elsewhere).unwrap();
        assert!(matches!(folder(&elsewhere), Err(KitError::Io { .. })));
    }
}
