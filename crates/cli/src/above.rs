//! The stack file of a folder further up, for those who stand in a folder of their program.

use std::path::{Component, Path};

/// The nearest folder above the current one that has this file, and the way to the file there. Only plain names are looked for: who
/// writes a path knows where the file is.
pub(crate) fn above(file: &Path) -> Option<(String, String)> {
    let here = std::env::current_dir().ok()?;
    from(&here, file)
}

fn from(here: &Path, file: &Path) -> Option<(String, String)> {
    let mut parts = file.components();
    let (Some(Component::Normal(name)), None) = (parts.next(), parts.next()) else { return None };
    let levels = here.ancestors().skip(1).position(|folder| folder.join(name).is_file())? + 1;
    let folder = vec![".."; levels].join("/");
    let way = format!("{folder}/{}", name.to_str()?);
    Some((folder, way))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

    use super::*;

    #[test]
    fn the_nearest_one_is_named() {
        let home = tempfile::tempdir().unwrap();
        let inner = home.path().join("src/app");
        std::fs::create_dir_all(&inner).unwrap();
        let file = Path::new("stack-of-a-test.yaml");
        assert_eq!(from(&inner, file), None);
        std::fs::write(home.path().join(file), "").unwrap();
        let found = |way: &str, path: &str| Some((way.to_owned(), path.to_owned()));
        assert_eq!(from(&inner, file), found("../..", "../../stack-of-a-test.yaml"));
        assert_eq!(from(&home.path().join("src"), file), found("..", "../stack-of-a-test.yaml"));
        // A folder of that name is no file, and a path is no name.
        std::fs::create_dir(home.path().join("src").join(file)).unwrap();
        assert_eq!(from(&inner, file), found("../..", "../../stack-of-a-test.yaml"));
        assert_eq!(from(&inner, &Path::new("a").join(file)), None);
    }
}
