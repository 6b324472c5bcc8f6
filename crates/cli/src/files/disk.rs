//! Reading and writing in the folder of workflows, and nowhere else. Links are not followed.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::path::{Path, PathBuf};

use hatoba_model::workflows::FOLDER;

/// What a workflow file has at most; GitHub takes no larger one by far.
const LARGEST: u64 = 1 << 20;

/// A repository on disk.
#[derive(Debug)]
pub(super) struct Disk {
    root: PathBuf,
}

/// Why a file is not read.
#[derive(Debug, thiserror::Error)]
pub(super) enum DiskError {
    /// The path leaves the folder of workflows.
    #[error("it does not lie in `{FOLDER}`")]
    Outside,
    /// It, or a folder above it, is a link.
    #[error("{0} is a link, and links are not followed")]
    Link(String),
    /// It is a folder, a device or the like.
    #[error("it is no file")]
    NoFile,
    /// It has more than 1 MiB.
    #[error("it is larger than 1 MiB")]
    TooLarge,
    /// It is not UTF-8.
    #[error("it is not UTF-8 text")]
    NotText,
    /// The system refused.
    #[error("{0}")]
    Io(#[from] io::Error),
}

impl Disk {
    /// The repository with this top.
    pub(super) fn new(root: PathBuf) -> Self {
        Self { root }
    }

    /// Whether the top is one of git.
    pub(super) fn in_repository(&self) -> bool {
        self.root.join(".git").exists()
    }

    /// The names of the files in the folder of workflows that could be workflows, in order.
    pub(super) fn names(&self) -> Result<Vec<String>, DiskError> {
        match self.folder() {
            Ok(true) => {}
            // Nothing of ours lies behind a link.
            Ok(false) | Err(DiskError::Link(_) | DiskError::NoFile) => return Ok(Vec::new()),
            Err(error) => return Err(error),
        }
        let mut names = Vec::new();
        for entry in fs::read_dir(self.root.join(FOLDER))? {
            let entry = entry?;
            let Ok(name) = entry.file_name().into_string() else { continue };
            if entry.file_type()?.is_file() && (name.ends_with(".yml") || name.ends_with(".yaml")) {
                names.push(name);
            }
        }
        names.sort();
        Ok(names)
    }

    /// The text of a file, with line breaks as on Unix; nothing where there is no file.
    pub(super) fn read(&self, path: &str) -> Result<Option<String>, DiskError> {
        let full = self.place(path)?;
        if !self.folder()? || self.metadata(&full)?.is_none() {
            return Ok(None);
        }
        let mut bytes = Vec::new();
        File::open(&full)?.take(LARGEST + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > LARGEST {
            return Err(DiskError::TooLarge);
        }
        let text = String::from_utf8(bytes).map_err(|_| DiskError::NotText)?;
        // Git may have checked it out with the line breaks of Windows.
        Ok(Some(text.replace("\r\n", "\n")))
    }

    /// Writes a file, whole or not at all. The folders above it are made.
    pub(super) fn write(&self, path: &str, text: &str) -> Result<(), DiskError> {
        let full = self.place(path)?;
        let before = if self.folder()? { self.metadata(&full)? } else { None };
        fs::create_dir_all(self.root.join(FOLDER))?;
        let name = full.file_name().unwrap_or_default().to_string_lossy().into_owned();
        // Nothing that GitHub would take for a workflow. One of a run that was killed is written over.
        let beside = full.with_file_name(format!(".{name}.hatoba"));
        match fs::remove_file(&beside) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error.into()),
            _ => {}
        }
        let written = put(&beside, text, before.as_ref()).and_then(|()| fs::rename(&beside, &full));
        if let Err(error) = written {
            // What is left of it says nothing to anybody.
            let _ = fs::remove_file(&beside);
            return Err(error.into());
        }
        Ok(())
    }

    /// Deletes a file, and the folders above it that are empty then. That it is gone already is success.
    pub(super) fn remove(&self, path: &str) -> Result<(), DiskError> {
        let full = self.place(path)?;
        if !self.folder()? || self.metadata(&full)?.is_none() {
            return Ok(());
        }
        match fs::remove_file(&full) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error.into()),
            _ => {}
        }
        // Git does not know empty folders; those with something in them stay.
        if fs::remove_dir(self.root.join(FOLDER)).is_ok() {
            let _ = fs::remove_dir(self.root.join(".github"));
        }
        Ok(())
    }

    /// Where a path of the repository is: directly in the folder of workflows.
    fn place(&self, path: &str) -> Result<PathBuf, DiskError> {
        let name = path.strip_prefix(FOLDER).filter(|name| !name.is_empty() && !name.contains(['/', '\\', '\0']));
        let name = name.filter(|name| !matches!(*name, "." | "..")).ok_or(DiskError::Outside)?;
        Ok(self.root.join(FOLDER).join(name))
    }

    /// Whether the folder of workflows exists. It and the folder above it have to be real ones.
    fn folder(&self) -> Result<bool, DiskError> {
        for folder in [".github", ".github/workflows"] {
            match fs::symlink_metadata(self.root.join(folder)) {
                Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
                Err(error) => return Err(error.into()),
                Ok(found) if found.is_symlink() => return Err(DiskError::Link(format!("`{folder}`"))),
                Ok(found) if !found.is_dir() => return Err(DiskError::NoFile),
                Ok(_) => {}
            }
        }
        Ok(true)
    }

    /// What there is at a place; it has to be a file.
    fn metadata(&self, full: &Path) -> Result<Option<Metadata>, DiskError> {
        match fs::symlink_metadata(full) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error.into()),
            Ok(found) if found.is_symlink() => Err(DiskError::Link("it".to_owned())),
            Ok(found) if !found.is_file() => Err(DiskError::NoFile),
            Ok(found) => Ok(Some(found)),
        }
    }
}

/// Writes a new file, with the permissions of the one that it will take the place of.
fn put(path: &Path, text: &str, like: Option<&Metadata>) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).open(path)?;
    file.write_all(text.as_bytes())?;
    if let Some(like) = like {
        file.set_permissions(like.permissions())?;
    }
    file.sync_all()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

    use super::*;

    const PATH: &str = ".github/workflows/deploy.yml";

    fn disk() -> (tempfile::TempDir, Disk) {
        let home = tempfile::tempdir().unwrap();
        let disk = Disk::new(home.path().to_owned());
        (home, disk)
    }

    #[test]
    fn a_file_is_written_read_and_removed_with_its_folders() {
        let (home, disk) = disk();
        assert_eq!(disk.read(PATH).unwrap(), None);
        assert_eq!(disk.names().unwrap(), [""; 0]);
        disk.write(PATH, "a\n").unwrap();
        disk.write(PATH, "b\n").unwrap();
        assert_eq!(disk.read(PATH).unwrap().as_deref(), Some("b\n"));
        std::fs::write(home.path().join(PATH), "b\r\nc\r\n").unwrap();
        assert_eq!(disk.read(PATH).unwrap().as_deref(), Some("b\nc\n"));
        assert_eq!(disk.names().unwrap(), ["deploy.yml"]);
        disk.remove(PATH).unwrap();
        disk.remove(PATH).unwrap();
        assert!(!home.path().join(".github").exists());
    }

    #[test]
    fn folders_with_something_in_them_stay() {
        let (home, disk) = disk();
        disk.write(PATH, "a").unwrap();
        std::fs::write(home.path().join(".github/dependabot.yml"), "").unwrap();
        disk.remove(PATH).unwrap();
        assert!(home.path().join(".github/dependabot.yml").exists());
        assert!(!home.path().join(".github/workflows").exists());
    }

    #[test]
    fn nothing_outside_of_the_folder_is_touched() {
        let (_home, disk) = disk();
        for path in
            ["deploy.yml", ".github/deploy.yml", ".github/workflows/", ".github/workflows/../x.yml", "/etc/x.yml"]
        {
            assert!(matches!(disk.read(path), Err(DiskError::Outside)), "{path}");
            assert!(matches!(disk.write(path, ""), Err(DiskError::Outside)), "{path}");
            assert!(matches!(disk.remove(path), Err(DiskError::Outside)), "{path}");
        }
    }

    #[test]
    fn what_is_no_readable_text_is_said_to_be_none() {
        let (home, disk) = disk();
        disk.write(PATH, "").unwrap();
        std::fs::write(home.path().join(PATH), [0xff]).unwrap();
        assert!(matches!(disk.read(PATH), Err(DiskError::NotText)));
        std::fs::write(home.path().join(PATH), vec![b'a'; (1 << 20) + 1]).unwrap();
        assert!(matches!(disk.read(PATH), Err(DiskError::TooLarge)));
        std::fs::remove_file(home.path().join(PATH)).unwrap();
        std::fs::create_dir(home.path().join(PATH)).unwrap();
        assert!(matches!(disk.read(PATH), Err(DiskError::NoFile)));
        assert!(matches!(disk.write(PATH, ""), Err(DiskError::NoFile)));
    }

    #[cfg(unix)]
    #[test]
    fn links_are_not_followed() {
        use std::os::unix::fs::symlink;
        let (home, disk) = disk();
        let secret = home.path().join("secret");
        std::fs::write(&secret, "mine").unwrap();
        disk.write(PATH, "").unwrap();
        std::fs::remove_file(home.path().join(PATH)).unwrap();
        symlink(&secret, home.path().join(PATH)).unwrap();
        assert!(matches!(disk.read(PATH), Err(DiskError::Link(_))));
        assert!(matches!(disk.write(PATH, "x"), Err(DiskError::Link(_))));
        assert!(matches!(disk.remove(PATH), Err(DiskError::Link(_))));
        assert_eq!(disk.names().unwrap(), [""; 0]);
        std::fs::remove_dir_all(home.path().join(".github")).unwrap();
        std::fs::create_dir(home.path().join("other")).unwrap();
        symlink(home.path().join("other"), home.path().join(".github")).unwrap();
        assert!(matches!(disk.write(PATH, "x"), Err(DiskError::Link(_))));
        assert_eq!(disk.names().unwrap(), [""; 0]);
        // A link in the place of the file that is written first is not written through.
        std::fs::remove_file(home.path().join(".github")).unwrap();
        std::fs::create_dir_all(home.path().join(FOLDER)).unwrap();
        symlink(&secret, home.path().join(FOLDER).join(".deploy.yml.hatoba")).unwrap();
        disk.write(PATH, "x").unwrap();
        assert_eq!(std::fs::read_to_string(&secret).unwrap(), "mine");
    }

    #[cfg(unix)]
    #[test]
    fn permissions_are_kept() {
        use std::os::unix::fs::PermissionsExt as _;
        let (home, disk) = disk();
        disk.write(PATH, "a").unwrap();
        let full = home.path().join(PATH);
        std::fs::set_permissions(&full, std::fs::Permissions::from_mode(0o640)).unwrap();
        disk.write(PATH, "b").unwrap();
        assert_eq!(std::fs::metadata(&full).unwrap().permissions().mode() & 0o777, 0o640);
    }
}
