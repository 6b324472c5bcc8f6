//! OpenID Connect providers of IAM.

use super::macros::{Common, Resource};
use crate::check::{Check, shorten};
use crate::facts::Facts;
use crate::github::{PROVIDER_HOST, audience};

resource! {
    /// An issuer of tokens whose holders may assume roles, such as GitHub. An account has only one for each address: one that is there
    /// already is used, and is kept on destroy unless hatoba made it and no other role trusts it.
    pub struct OidcProvider {
        /// The issuer's address: `https://token.actions.githubusercontent.com`. Its ARN and its name follow from it.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub url: Option<String>,
        /// The audiences that tokens may have. Those that others added stay. For GitHub the default is `[sts.amazonaws.com]`.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        pub client_ids: Vec<String>,
        /// SHA-1 fingerprints of certificates, 40 hexadecimal digits each, at most 5. Leave them out: AWS finds them out by itself, and
        /// does not use them for GitHub.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        pub thumbprints: Vec<String>,
    }
}

/// The URL without its scheme, which is how AWS names a provider.
pub fn host_and_path(url: &str) -> &str {
    url.strip_prefix("https://").unwrap_or(url)
}

/// Whether a provider's name is that of GitHub, or of an enterprise on GitHub with an issuer of its own.
pub fn is_github(name: &str) -> bool {
    name.strip_prefix(PROVIDER_HOST).is_some_and(|path| path.is_empty() || path.starts_with('/'))
}

impl OidcProvider {
    /// The audiences to have: those of the file, or what GitHub's tokens for AWS bear.
    pub fn wanted_client_ids(&self, partition: &str) -> Vec<String> {
        let github = self.url.as_deref().is_some_and(|url| is_github(host_and_path(url)));
        if self.client_ids.is_empty() && github {
            vec![audience(partition).to_owned()]
        } else {
            self.client_ids.clone()
        }
    }

    fn check_url(&self, cx: &mut Check<'_>) {
        let Some(url) = self.url.as_deref() else {
            cx.error(&[], "missing-key", "`url` is required")
                .help(format!("for GitHub: `url: https://{PROVIDER_HOST}`"));
            return;
        };
        let mut refuse = |message: &str, help: String| {
            cx.error(&["url"], "oidc-url", format!("`{}` {message}", shorten(url))).help(help);
        };
        let Some(rest) = url.strip_prefix("https://") else {
            let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
            return refuse("does not begin with `https://`", format!("write `https://{rest}`"));
        };
        let host = rest.split('/').next().unwrap_or_default();
        if url.len() > 255 {
            refuse("has more than 255 characters", "an issuer's address has at most 255".to_owned());
        } else if rest.contains(['?', '#']) {
            refuse("has a query", format!("write `https://{}`", rest.split(['?', '#']).next().unwrap_or_default()));
        } else if rest.contains('@') || host.contains(':') {
            let bare = host.rsplit('@').next().unwrap_or(host).split(':').next().unwrap_or_default();
            refuse("has more than a host and a path", format!("without a port: `https://{bare}`"));
        } else if host.is_empty()
            || !host.contains('.')
            || rest.chars().any(|c| c.is_whitespace() || !c.is_ascii_graphic())
        {
            refuse("is not an address", format!("for GitHub: `https://{PROVIDER_HOST}`"));
        } else if host.chars().any(|c| c.is_ascii_uppercase()) {
            refuse(
                "has capital letters in its host",
                format!("write `https://{}{}`", host.to_lowercase(), &rest[host.len()..]),
            );
        } else if rest.ends_with('/') {
            refuse("ends with a slash", format!("write `{}`", url.trim_end_matches('/')));
        } else if host != PROVIDER_HOST && near_github(host) {
            refuse("is not GitHub's address", format!("did you mean `https://{PROVIDER_HOST}`?"));
        }
    }

    fn check_client_ids(&self, cx: &mut Check<'_>) {
        if self.client_ids.len() > 100 {
            let count = self.client_ids.len();
            cx.error(&["client_ids"], "oidc-client-ids", format!("{count} audiences are too many"))
                .help("AWS allows 100 for a provider");
        }
        for (index, id) in self.client_ids.iter().enumerate() {
            let length = id.chars().count();
            if !(1..=255).contains(&length) {
                let index = index.to_string();
                cx.error(
                    &["client_ids", &index],
                    "oidc-client-ids",
                    format!("an audience has 1 to 255 characters; this one has {length}"),
                )
                .help("for GitHub it is `sts.amazonaws.com`");
            }
        }
        let needed = audience(cx.facts.partition());
        let github = self.url.as_deref().is_some_and(|url| is_github(host_and_path(url)));
        let slip = |id: &&String| {
            !["sts.amazonaws.com", "sts.amazonaws.com.cn"].contains(&id.as_str())
                && strsim::damerau_levenshtein(id, needed) <= 4
        };
        if github && let Some(index) = self.client_ids.iter().position(|id| slip(&id)) {
            let (id, index) = (&self.client_ids[index], index.to_string());
            cx.error(
                &["client_ids", &index],
                "oidc-audience",
                format!("`{}` is not the audience of GitHub's tokens for AWS", shorten(id)),
            )
            .help(format!("did you mean `{needed}`?"));
        } else if github && !self.client_ids.is_empty() && !self.client_ids.iter().any(|id| id == needed) {
            cx.warn(
                &["client_ids"],
                "oidc-audience",
                format!(
                    "the audience `{needed}` is missing, which the tokens of GitHub's official action for AWS have"
                ),
            )
            .help(format!("add it: `client_ids: [{needed}]`"));
        }
    }

    fn check_thumbprints(&self, cx: &mut Check<'_>) {
        if self.thumbprints.len() > 5 {
            let count = self.thumbprints.len();
            cx.error(&["thumbprints"], "oidc-thumbprints", format!("{count} thumbprints are too many"))
                .help("AWS allows 5; it finds them out by itself if there are none in the file");
        }
        for (index, print) in self.thumbprints.iter().enumerate() {
            if print.len() != 40 || !print.bytes().all(|b| b.is_ascii_hexdigit()) {
                let index = index.to_string();
                cx.error(&["thumbprints", &index], "oidc-thumbprints", format!("`{}` is not a thumbprint", shorten(print)))
                    .help("it has 40 hexadecimal digits without colons; leave `thumbprints` out and AWS finds them out by itself");
            }
        }
        let github = self.url.as_deref().is_some_and(|url| is_github(host_and_path(url)));
        if github && !self.thumbprints.is_empty() {
            cx.warn(
                &["thumbprints"],
                "oidc-thumbprints",
                "AWS does not use thumbprints for GitHub, so they only serve when the provider is created",
            )
            .help("remove `thumbprints`");
        }
    }
}

fn near_github(host: &str) -> bool {
    strsim::damerau_levenshtein(host, PROVIDER_HOST) <= 4
}

impl Resource for OidcProvider {
    fn common(&self) -> Common<'_> {
        self.common_keys()
    }

    fn check(&self, cx: &mut Check<'_>) {
        self.check_url(cx);
        self.check_client_ids(cx);
        self.check_thumbprints(cx);
        if self.name.is_some() {
            cx.error(&["name"], "oidc-name", "a provider cannot be given a name; it follows from `url`")
                .help("remove `name`");
        }
    }

    fn output(&self, name: &str, output: &str, facts: &Facts) -> Option<String> {
        match output {
            "name" => Some(name.to_owned()),
            "arn" => Some(facts.iam_arn(format_args!("oidc-provider/{name}"))),
            "url" => self.url.clone(),
            _ => None,
        }
    }

    fn outputs(&self) -> &'static [&'static str] {
        &["arn", "name", "url"]
    }

    fn aws_name<'a>(&'a self, key: &'a str) -> &'a str {
        self.url.as_deref().map_or(key, host_and_path)
    }
}
