//! Where the repository begins.

use std::io;
use std::path::{Path, PathBuf};

use hatoba_github::generate::Call;

use crate::args::Global;

/// The top of the repository that a stack file lies in, and how a job there calls hatoba.
#[derive(Clone, Debug)]
pub(crate) struct Root {
    /// The top: the nearest folder upwards that holds `.git`, else the stack file's own.
    pub(crate) path: PathBuf,
    /// How jobs of workflows call hatoba.
    pub(crate) call: Call,
}

/// The nearest folder upwards that holds `.git`, else the folder itself. It is given without links.
pub(crate) fn top(folder: &Path) -> &Path {
    folder.ancestors().find(|folder| folder.join(".git").exists()).unwrap_or(folder)
}

impl Root {
    /// Finds it.
    ///
    /// # Errors
    /// When the folder of the stack file cannot be found.
    pub(crate) fn of(global: &Global) -> io::Result<Self> {
        let folder = match global.file().parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        let folder = folder.canonicalize()?;
        let path = top(&folder).to_owned();
        let inner = folder.strip_prefix(&path).unwrap_or(Path::new(""));
        let name = global.file().file_name().map(PathBuf::from).unwrap_or_default();
        // Runners have slashes, whatever this machine has.
        let parts: Vec<String> =
            inner.join(name).components().map(|part| part.as_os_str().to_string_lossy().into_owned()).collect();
        let call = Call { file: parts.join("/"), env: global.env.clone(), region: global.region.clone() };
        Ok(Self { path, call })
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

    use clap::Parser as _;

    use super::*;
    use crate::args::Cli;

    fn root(file: &Path) -> Root {
        let file = file.to_str().unwrap();
        Root::of(&Cli::try_parse_from(["hatoba", "-f", file, "--env", "staging", "plan"]).unwrap().global).unwrap()
    }

    #[test]
    fn it_is_the_nearest_folder_with_git_in_it() {
        let home = tempfile::tempdir().unwrap();
        let top = home.path().canonicalize().unwrap();
        let inner = top.join("repo/infra/prod");
        std::fs::create_dir_all(&inner).unwrap();
        let file = inner.join("stack.yaml");
        assert_eq!(root(&file).path, inner);
        assert_eq!(root(&file).call.file, "stack.yaml");
        // A work tree has a file of that name.
        std::fs::write(top.join("repo/.git"), "gitdir: elsewhere").unwrap();
        assert_eq!(root(&file).path, top.join("repo"));
        let call = root(&file).call;
        assert_eq!((call.file.as_str(), call.env.as_deref()), ("infra/prod/stack.yaml", Some("staging")));
    }
}
