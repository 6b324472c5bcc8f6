//! How large documents may be.

use serde_json::Value;

use super::document::DocProblem;

/// The largest document that an IAM request carries, in characters, white space included (IAM API reference).
pub const REQUEST_LIMIT: usize = 131_072;

/// What a document, or the documents of one principal together, are limited by. IAM quotas, in characters without white space.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SizeLimit {
    /// One customer-managed policy: 6,144.
    Managed,
    /// The trust policy of a role: 2,048; AWS raises it on request to at most 4,096 (quota L-C07B4B0D).
    Trust,
    /// All inline policies of a role together: 10,240.
    RoleInline,
    /// All inline policies of a user together: 2,048.
    UserInline,
    /// One ECR repository policy: 10,240.
    EcrRepository,
}

impl SizeLimit {
    /// The limit every account has.
    pub fn characters(self) -> usize {
        match self {
            Self::Managed => 6_144,
            Self::Trust | Self::UserInline => 2_048,
            Self::RoleInline | Self::EcrRepository => 10_240,
        }
    }

    /// The limit an account can have at most.
    pub fn raised(self) -> usize {
        match self {
            Self::Trust => 4_096,
            other => other.characters(),
        }
    }

    fn noun(self) -> &'static str {
        match self {
            Self::Managed => "the policy has",
            Self::Trust => "the trust policy has",
            Self::RoleInline => "the inline policies of the role have together",
            Self::UserInline => "the inline policies of the user have together",
            Self::EcrRepository => "the repository policy has",
        }
    }

    fn help(self) -> &'static str {
        match self {
            Self::Managed => "split it into several policies, or use patterns such as `ecr:Describe*`",
            Self::Trust => "name fewer subjects, or use one pattern for several of them",
            Self::RoleInline | Self::UserInline => "move some of them into managed policies",
            Self::EcrRepository => "name fewer principals, or narrow by a condition such as `aws:PrincipalOrgID`",
        }
    }
}

/// The size of a document as IAM counts it: its characters without white space.
pub fn size(document: &Value) -> usize {
    document.to_string().chars().filter(|c| !c.is_whitespace()).count()
}

/// Reports documents that are too large. Limits on several documents together are checked by giving all of them.
/// What only a raised quota admits is a warning.
pub fn check<'a>(limit: SizeLimit, documents: impl IntoIterator<Item = &'a Value>) -> Option<DocProblem> {
    let (mut total, mut longest) = (0, 0);
    for document in documents {
        total += size(document);
        longest = longest.max(document.to_string().chars().count());
    }
    let code = "policy-size";
    if longest > REQUEST_LIMIT {
        let message =
            format!("a policy document has {longest} characters; IAM takes at most {REQUEST_LIMIT} in one request");
        return Some(DocProblem::error(&[], code, message).help(limit.help()));
    }
    let most = limit.characters();
    if total <= most {
        return None;
    }
    let message = format!("{} {total} characters without white space; the limit is {most}", limit.noun());
    if total <= limit.raised() {
        let help = format!("{}; or ask AWS to raise the quota L-C07B4B0D, up to {}", limit.help(), limit.raised());
        return Some(DocProblem::warning(&[], code, message).help(help));
    }
    Some(DocProblem::error(&[], code, message).help(limit.help()))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{SizeLimit, check, size};
    use crate::iam::Severity;

    fn document(length: usize) -> Value {
        // {"S":"…"} is 8 characters around the text.
        json!({ "S": "x".repeat(length - 8) })
    }

    fn severity(limit: SizeLimit, documents: &[Value]) -> Option<Severity> {
        check(limit, documents).map(|problem| problem.severity)
    }

    #[test]
    fn white_space_is_not_counted() {
        assert_eq!(size(&json!({ "a": "b c\td" })), r#"{"a":"bc\td"}"#.len());
        assert_eq!(size(&json!({ "é": 1 })), 7);
    }

    #[test]
    fn each_limit_is_exact() {
        for limit in [SizeLimit::Managed, SizeLimit::RoleInline, SizeLimit::UserInline, SizeLimit::EcrRepository] {
            assert_eq!(severity(limit, &[document(limit.characters())]), None, "{limit:?}");
            assert_eq!(severity(limit, &[document(limit.characters() + 1)]), Some(Severity::Error), "{limit:?}");
        }
    }

    #[test]
    fn a_trust_policy_between_the_two_quotas_is_a_warning() {
        assert_eq!(severity(SizeLimit::Trust, &[document(2048)]), None);
        assert_eq!(severity(SizeLimit::Trust, &[document(2049)]), Some(Severity::Warning));
        assert_eq!(severity(SizeLimit::Trust, &[document(4097)]), Some(Severity::Error));
    }

    #[test]
    fn inline_policies_count_together() {
        assert_eq!(severity(SizeLimit::UserInline, &[document(1000), document(1048)]), None);
        assert_eq!(severity(SizeLimit::UserInline, &[document(1000), document(1049)]), Some(Severity::Error));
    }

    #[test]
    fn a_document_of_white_space_still_meets_the_limit_of_a_request() {
        let problem = check(SizeLimit::Managed, &[json!({ "S": " ".repeat(131_072) })]);
        assert!(problem.is_some_and(|p| p.message.contains("in one request")));
    }
}
