//! The repository on disk: its workflow files, its name on GitHub, its default branch.

use std::path::{Path, PathBuf};

use hatoba_github::workflow::{Workflow, read};
use hatoba_model::yaml::Source;

use crate::error::{Error, Kind};
use crate::files::top;
use crate::session::bytes;

/// Where workflow files stand.
const WORKFLOWS: &str = ".github/workflows";

/// The largest file of a repository that is looked at besides workflow files, in bytes.
const MAX_FILE: u64 = 1 << 20;

/// The folder above one, as short as the folder is written.
fn upwards(path: &Path) -> PathBuf {
    if path == Path::new(".") {
        return PathBuf::from("..");
    }
    match path.parent() {
        Some(parent) if !path.ends_with("..") => {
            if parent.as_os_str().is_empty() {
                PathBuf::from(".")
            } else {
                parent.to_path_buf()
            }
        }
        _ => path.join(".."),
    }
}

/// The directory of a repository.
#[derive(Debug, Clone)]
pub(crate) struct Root {
    directory: PathBuf,
}

impl Root {
    /// The nearest directory upwards of the stack file that is a repository of git, else the stack file's own.
    pub(crate) fn of(stack_file: &Path) -> Self {
        let directory = stack_file.parent().filter(|path| !path.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let Ok(full) = directory.canonicalize() else { return Self { directory: directory.to_path_buf() } };
        let top = top(&full);
        let steps = full.strip_prefix(top).map_or(0, |below| below.components().count());
        let shown = (0..steps).fold(directory.to_path_buf(), |path, _| upwards(&path));
        // Behind a link the way up is another one than its name says.
        let same = shown.canonicalize().is_ok_and(|shown| shown == top);
        Self { directory: if same { shown } else { top.to_path_buf() } }
    }

    /// A file or directory in it, as a message shows it.
    fn path(&self, relative: &str) -> PathBuf {
        if self.directory == Path::new(".") { PathBuf::from(relative) } else { self.directory.join(relative) }
    }

    /// All its workflow files, sorted by name.
    ///
    /// # Errors
    /// When the directory is there but cannot be read.
    pub(crate) fn workflows(&self) -> Result<Vec<PathBuf>, Error> {
        let directory = self.path(WORKFLOWS);
        let entries = match std::fs::read_dir(&directory) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => {
                return Err(Error::new(Kind::Failed, format!("cannot read {}: {error}", directory.display())));
            }
        };
        let yaml = |path: &PathBuf| path.extension().is_some_and(|end| end == "yml" || end == "yaml");
        let mut found: Vec<PathBuf> =
            entries.filter_map(|entry| entry.ok().map(|entry| entry.path())).filter(yaml).collect();
        found.sort();
        Ok(found)
    }

    /// The text of a file of the repository that is not too large; nothing for what lies outside of it.
    pub(crate) fn text(&self, relative: &str) -> Option<String> {
        let home = self.directory.canonicalize().ok()?;
        let full = self.directory.join(relative).canonicalize().ok()?;
        let small = full.metadata().is_ok_and(|meta| meta.is_file() && meta.len() <= MAX_FILE);
        if !full.starts_with(home) || !small {
            return None;
        }
        String::from_utf8(bytes(&full).ok()?).ok()
    }

    /// `OWNER/NAME`, as the address of the remote `origin` on github.com has it.
    pub(crate) fn origin(&self) -> Option<String> {
        let config = self.text(".git/config")?;
        let section = config.split("[remote \"origin\"]").nth(1)?;
        let section = section.split("\n[").next()?;
        let url = section.lines().find_map(|line| line.trim().strip_prefix("url")?.trim().strip_prefix('='))?.trim();
        let (_, path) = url.split_once("github.com")?;
        let path = path.trim_start_matches(['/', ':']).trim_end_matches('/');
        let path = path.strip_suffix(".git").unwrap_or(path);
        (path.split('/').count() == 2).then(|| path.to_owned())
    }

    /// The default branch, as the clone knows it.
    pub(crate) fn default_branch(&self) -> Option<String> {
        let head = self.text(".git/refs/remotes/origin/HEAD")?;
        head.trim().strip_prefix("ref: refs/remotes/origin/").map(str::to_owned)
    }
}

/// Reads a workflow file.
///
/// # Errors
/// When it cannot be read. What is wrong inside of it is no error here.
pub(crate) fn workflow(path: &Path) -> Result<Workflow, Error> {
    let name = path.display().to_string();
    let bytes = bytes(path).map_err(|error| Error::new(Kind::Failed, format!("cannot read {name}: {error}")))?;
    Ok(match Source::from_bytes(&name, &bytes) {
        Ok(source) => read(source),
        Err(problems) => {
            let mut empty = read(Source::new(&name, String::new()));
            empty.problems = problems;
            empty
        }
    })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

    use super::*;

    #[test]
    fn the_repository_is_found_upwards_and_nothing_outside_of_it_is_read() {
        let home = tempfile::tempdir().unwrap();
        let repo = home.path().join("repo");
        std::fs::create_dir_all(repo.join(".git/refs/remotes/origin")).unwrap();
        std::fs::create_dir_all(repo.join("deploy/aws")).unwrap();
        std::fs::create_dir_all(repo.join(WORKFLOWS)).unwrap();
        for name in ["b.yml", "a.yaml", "c.txt"] {
            std::fs::write(repo.join(WORKFLOWS).join(name), "on: push\n").unwrap();
        }
        std::fs::write(home.path().join("secret"), "no").unwrap();
        std::fs::write(repo.join(".git/refs/remotes/origin/HEAD"), "ref: refs/remotes/origin/trunk\n").unwrap();
        let root = Root::of(&repo.join("deploy/aws/stack.yaml"));
        let names: Vec<_> = root.workflows().unwrap().iter().map(|path| path.file_name().unwrap().to_owned()).collect();
        assert_eq!(names, ["a.yaml", "b.yml"]);
        assert_eq!(root.default_branch().as_deref(), Some("trunk"));
        assert_eq!(root.text("../secret"), None);
        assert!(root.text(".github/workflows/b.yml").is_some());
    }

    #[test]
    fn the_remote_in_all_its_spellings() {
        let home = tempfile::tempdir().unwrap();
        std::fs::create_dir(home.path().join(".git")).unwrap();
        let root = Root::of(&home.path().join("stack.yaml"));
        for (url, name) in [
            ("https://github.com/acme/papyrus.git", Some("acme/papyrus")),
            ("git@github.com:acme/papyrus", Some("acme/papyrus")),
            ("ssh://git@github.com/acme/papyrus.git/", Some("acme/papyrus")),
            ("https://example.com/acme/papyrus", None),
        ] {
            let config =
                format!("[core]\n\tbare = false\n[remote \"origin\"]\n\turl = {url}\n\tfetch = x\n[branch \"main\"]\n");
            std::fs::write(home.path().join(".git/config"), config).unwrap();
            assert_eq!(root.origin().as_deref(), name, "{url}");
        }
    }
}
