//! The actions that generated workflows use, each pinned to a commit.
//!
//! The one place where they are written down. Looked up on 2026-11-21 in the allow-list of the Apache Software Foundation
//! (`apache/infrastructure-actions`, `actions.yml`, as of 2026-08-21: what it has of `aws-actions` and `docker`) and in the
//! workflows of other public repositories; each pair of commit and version was found in at least three that have nothing to do
//! with each other.

/// An action at a commit.
#[derive(Clone, Copy, Debug)]
pub(super) struct Action {
    name: &'static str,
    commit: &'static str,
    version: &'static str,
}

impl Action {
    /// As `uses:` takes it, with the version as a comment.
    pub(super) fn uses(self) -> String {
        format!("{}@{} # {}", self.name, self.commit, self.version)
    }
}

const fn action(name: &'static str, commit: &'static str, version: &'static str) -> Action {
    Action { name, commit, version }
}

/// Checks the repository out.
pub(super) const CHECKOUT: Action = action("actions/checkout", "9c091bb21b7c1c1d1991bb908d89e4e9dddfe3e0", "v7.0.0");
/// Keeps files between runs.
pub(super) const CACHE: Action = action("actions/cache", "27d5ce7f107fe9357f9df03efb73ab90386fccae", "v5.0.5");
/// Hands a file on to a later job.
pub(super) const UPLOAD: Action =
    action("actions/upload-artifact", "043fb46d1a93c77aae656e7c1c64a875d1fc6a0a", "v7.0.1");
/// Takes a file from an earlier job.
pub(super) const DOWNLOAD: Action =
    action("actions/download-artifact", "3e5f45b2cfb9172054b4087a40e8e0b5a5461e7c", "v8.0.1");
/// Assumes a role with the run's token.
pub(super) const CREDENTIALS: Action =
    action("aws-actions/configure-aws-credentials", "e6de054238d6b7531b4efff3b6587d9aade6a06c", "v6.2.3");
/// Signs in to ECR.
pub(super) const ECR_LOGIN: Action =
    action("aws-actions/amazon-ecr-login", "f2e9fc6c2b355c1890b65e6f6f0e2ac3e6e22f78", "v2.1.2");
/// Runs programs of other processors.
pub(super) const QEMU: Action =
    action("docker/setup-qemu-action", "96fe6ef7f33517b61c61be40b68a1882f3264fb8", "v4.2.0");
/// Builds for other platforms.
pub(super) const BUILDX: Action =
    action("docker/setup-buildx-action", "bb05f3f5519dd87d3ba754cc423b652a5edd6d2c", "v4.2.0");
/// Builds and pushes.
pub(super) const BUILD: Action =
    action("docker/build-push-action", "53b7df96c91f9c12dcc8a07bcb9ccacbed38856a", "v7.3.0");

/// The runner of jobs for which the file names none.
pub(super) const RUNNER: &str = "ubuntu-24.04";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_pinned_to_a_whole_commit() {
        for action in [CHECKOUT, CACHE, UPLOAD, DOWNLOAD, CREDENTIALS, ECR_LOGIN, QEMU, BUILDX, BUILD] {
            assert!(action.commit.len() == 40 && action.commit.bytes().all(|b| b.is_ascii_hexdigit()), "{action:?}");
            assert!(action.version.starts_with('v') && action.version.matches('.').count() == 2, "{action:?}");
        }
    }
}
