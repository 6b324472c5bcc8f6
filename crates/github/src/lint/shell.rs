//! The builds in a shell script, as far as words tell them.

/// A `docker build`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Build {
    /// The words that it begins with, as they stand in the script: `docker buildx build`.
    pub(super) command: String,
    /// What `--platform` says.
    pub(super) platform: Option<String>,
    /// What `--file` says.
    pub(super) file: Option<String>,
    /// The directory that is sent.
    pub(super) context: Option<String>,
}

/// Options of `docker build` that stand alone. All others have a value.
const ALONE: [&str; 15] = [
    "--push",
    "--load",
    "--pull",
    "--no-cache",
    "--quiet",
    "-q",
    "--squash",
    "--rm",
    "--force-rm",
    "--compress",
    "--debug",
    "-D",
    "--check",
    "--stream",
    "--disable-content-trust",
];

/// All builds of a script.
pub(super) fn builds(script: &str) -> Vec<Build> {
    let joined = script.replace("\\\r\n", " ").replace("\\\n", " ");
    let commands = joined.lines().flat_map(|line| line.split("&&")).flat_map(|part| part.split([';', '|']));
    commands.filter_map(build).collect()
}

fn build(command: &str) -> Option<Build> {
    let words: Vec<&str> = command.split_whitespace().collect();
    if words.first().is_some_and(|word| word.starts_with('#')) {
        return None;
    }
    // Words before it may be `sudo`, `time` or variables; what is only printed is no build.
    let start = words.iter().position(|word| *word == "docker").filter(|_| words.first() != Some(&"echo"))?;
    let rest = &words[start + 1..];
    let skip = match rest {
        ["build", ..] => 1,
        ["buildx" | "image" | "builder", "build", ..] => 2,
        _ => return None,
    };
    let mut found = Build { command: words[start..=start + skip].join(" "), ..Build::default() };
    let mut rest = rest[skip..].iter();
    while let Some(word) = rest.next() {
        let (option, value) = word.split_once('=').map_or((*word, None), |(option, value)| (option, Some(value)));
        if !option.starts_with('-') {
            found.context = Some(unquoted(word));
            continue;
        }
        if ALONE.contains(&option) {
            continue;
        }
        let Some(value) = value.or_else(|| rest.next().copied()) else { break };
        match option {
            "--platform" => found.platform = Some(unquoted(value)),
            "--file" | "-f" => found.file = Some(unquoted(value)),
            _ => {}
        }
    }
    Some(found)
}

fn unquoted(word: &str) -> String {
    word.trim_matches(['"', '\'']).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn builds_of_all_spellings() {
        let found = builds(
            "docker build . --tag x\n# docker build no\ndocker image build -t temp:latest .\ncd app && docker buildx build \\\n  --platform \"linux/amd64,linux/arm64\" \\\n  --push \\\n  -f app/Dockerfile \\\n  app\nsudo docker build --platform=linux/arm64 -q .; echo docker build\ndocker push x\n",
        );
        let shown: Vec<_> = found
            .iter()
            .map(|b| (b.command.as_str(), b.platform.as_deref(), b.file.as_deref(), b.context.as_deref()))
            .collect();
        assert_eq!(
            shown,
            [
                ("docker build", None, None, Some(".")),
                ("docker image build", None, None, Some(".")),
                ("docker buildx build", Some("linux/amd64,linux/arm64"), Some("app/Dockerfile"), Some("app")),
                ("docker build", Some("linux/arm64"), None, Some(".")),
            ]
        );
    }
}
