//! Files of `tests/spec`, and goldens beside them.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test stops at the first surprise")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use hatoba_model::diag::Diagnostics;
use hatoba_model::load::{Loaded, Options, load};
use hatoba_model::yaml::Source;

/// A file, and what it is loaded with.
pub(crate) struct Case {
    /// Its name without the ending.
    pub(crate) name: String,
    /// What is in it.
    pub(crate) bytes: Vec<u8>,
    path: PathBuf,
    env: Option<String>,
    region: Option<String>,
    vars: BTreeMap<String, String>,
}

impl Case {
    /// A file that is not on disk.
    pub(crate) fn of(file: &str, text: &str) -> Self {
        Self::new(PathBuf::from(file), Vec::new()).with_text(text)
    }

    fn new(path: PathBuf, bytes: Vec<u8>) -> Self {
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let mut words =
            text.lines().next().and_then(|line| line.strip_prefix("# with: ")).unwrap_or_default().split_whitespace();
        let (mut env, mut region, mut vars) = (None, None, BTreeMap::new());
        while let Some(word) = words.next() {
            let value = words.next().unwrap();
            match word {
                "--env" => env = Some(value.to_owned()),
                "--region" => region = Some(value.to_owned()),
                "--var" => {
                    drop(vars.insert(
                        value.split_once('=').unwrap().0.to_owned(),
                        value.split_once('=').unwrap().1.to_owned(),
                    ))
                }
                _ => panic!("{name}: `{word}` is no option"),
            }
        }
        Self { name, bytes, path, env, region, vars }
    }

    /// Another text in its place, with no options.
    pub(crate) fn with_text(&self, text: &str) -> Self {
        Self::new(self.path.clone(), text.as_bytes().to_vec())
    }

    /// Its name with the ending.
    pub(crate) fn file_name(&self) -> String {
        self.path.file_name().unwrap().to_string_lossy().into_owned()
    }

    /// The file beside it with another ending.
    pub(crate) fn beside(&self, ending: &str) -> PathBuf {
        self.path.with_extension(ending)
    }

    /// Loads a text with the options of this file. Files that it refers to stand in `documents` beside it.
    pub(crate) fn load(&self, source: &Source) -> Result<Loaded, Diagnostics> {
        let folder = self.path.parent().unwrap().join("documents");
        let files = move |path: &str| {
            if path.contains("..") {
                return Err("it lies outside of the stack file's directory".to_owned());
            }
            std::fs::read_to_string(folder.join(path)).map_err(|_| "there is no such file".to_owned())
        };
        let process_env = |name: &str| (name == "HOSTED_ZONE").then(|| "papyrus.example".to_owned());
        let options = Options {
            env: self.env.as_deref(),
            vars: &self.vars,
            process_env: &process_env,
            files: &files,
            account: None,
            region: self.region.as_deref(),
        };
        load(source, &options)
    }
}

/// All YAML files of a folder of `tests/spec`.
pub(crate) fn cases(folder: &str) -> Vec<Case> {
    let paths = paths(folder, "yaml");
    paths.into_iter().map(|path| Case::new(path.clone(), std::fs::read(path).unwrap())).collect()
}

/// The names without ending of all files with this ending.
pub(crate) fn stems(folder: &str, ending: &str) -> Vec<String> {
    paths(folder, ending).iter().map(|path| path.file_stem().unwrap().to_string_lossy().into_owned()).collect()
}

fn paths(folder: &str, ending: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/spec").join(folder);
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut paths: Vec<_> = entries.filter(|path| path.extension().is_some_and(|e| e == ending)).collect();
    paths.sort();
    paths
}

/// Compares with a golden, or writes it when `UPDATE_GOLDEN` is set. Tells what differs.
pub(crate) fn check_golden(path: &Path, actual: &str) -> Option<String> {
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        if std::fs::read_to_string(path).ok().as_deref() != Some(actual) {
            std::fs::write(path, actual).unwrap();
        }
        return None;
    }
    let name = path.file_name().unwrap().to_string_lossy();
    match std::fs::read_to_string(path) {
        Ok(expected) if expected == actual => None,
        Ok(expected) => Some(format!("{name} differs; expected:\n{expected}\nfound:\n{actual}")),
        Err(_) => Some(format!("{name} is missing; UPDATE_GOLDEN=1 writes:\n{actual}")),
    }
}
