//! The messages with which AWS refuses. Source: IAM User Guide, "Troubleshoot access denied error messages"; EC2 API reference,
//! `UnauthorizedOperation`; for the messages of STS and of the actions of GitHub what they were seen to say.

/// Why it was refused, as far as the message says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// No policy of this sort allows it.
    NotAllowed(Policy),
    /// A policy of this sort denies it.
    Denies(Policy),
    /// The message does not say.
    Unsaid,
    /// Only `aws sts decode-authorization-message` tells.
    Encoded,
    /// A token of GitHub was refused.
    WebIdentity,
    /// The account has no provider for the token.
    NoProvider,
    /// The provider does not accept the audience of the token.
    WrongAudience,
    /// The job got no token at all.
    NoToken,
    /// ECS may not assume the role of a task.
    TaskRole,
}

/// A sort of policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Policy {
    /// Of the user or role.
    Identity,
    /// Of the resource.
    Resource,
    /// The permissions boundary.
    Boundary,
    /// Of the session.
    Session,
    /// The service control policy of the organisation.
    ServiceControl,
    /// The resource control policy of the organisation.
    ResourceControl,
    /// Of the VPC endpoint.
    Endpoint,
}

const POLICIES: [(&str, Policy); 7] = [
    ("identity-based policy", Policy::Identity),
    ("permissions boundary", Policy::Boundary),
    ("session policy", Policy::Session),
    ("service control policy", Policy::ServiceControl),
    ("resource control policy", Policy::ResourceControl),
    ("vpc endpoint policy", Policy::Endpoint),
    ("resource-based policy", Policy::Resource),
];

impl Policy {
    /// As a message names it.
    pub fn words(self) -> &'static str {
        POLICIES.iter().find(|(_, policy)| *policy == self).map_or("policy", |(words, _)| words)
    }
}

impl Why {
    /// What stands in the way when no statement of a policy of the user or role mends the refusal of this action; nothing when one does,
    /// or when the message does not say.
    pub fn barrier(self, action: &str) -> Option<String> {
        match self {
            Self::Denies(policy) => Some(denies(policy, action)),
            Self::NotAllowed(policy) => not_allowed(policy, action),
            _ => None,
        }
    }
}

fn denies(policy: Policy, action: &str) -> String {
    match policy {
        Policy::ServiceControl | Policy::ResourceControl => format!(
            "A {} of the organisation denies {action}, whatever the account's own policies allow. Only those who manage the organisation can change that.",
            policy.words()
        ),
        Policy::Boundary => {
            format!("The permissions boundary denies {action}; it has to change, no other policy helps.")
        }
        Policy::Resource => format!("The policy of the resource itself denies {action}."),
        Policy::Endpoint => format!("The policy of the VPC endpoint denies {action}."),
        Policy::Session => format!("The policy that the session was started with denies {action}."),
        Policy::Identity => {
            format!("A statement with `Effect: Deny` denies {action}; adding an `Allow` does not help.")
        }
    }
}

fn not_allowed(policy: Policy, action: &str) -> Option<String> {
    match policy {
        Policy::Identity => None,
        Policy::Resource => Some(format!(
            "The policy of the resource does not allow {action}: it is in another account, or of a kind that its own policy opens."
        )),
        Policy::Boundary => {
            Some(format!("The permissions boundary does not allow {action}; it limits what other policies can give."))
        }
        Policy::Session => Some(format!("The policy that the session was started with does not allow {action}.")),
        Policy::ServiceControl | Policy::ResourceControl => Some(format!(
            "No {} of the organisation allows {action}. Only those who manage it can change that.",
            policy.words()
        )),
        Policy::Endpoint => Some(format!("The policy of the VPC endpoint does not allow {action}.")),
    }
}

/// A refusal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Denied {
    /// Who was refused: an ARN.
    pub principal: Option<String>,
    /// What was to be done: `ecs:UpdateService`.
    pub action: Option<String>,
    /// On what: an ARN, or `*`.
    pub resource: Option<String>,
    /// Why.
    pub why: Why,
}

/// Finds a refusal in a text; nothing when there is none.
pub fn read(text: &str) -> Option<Denied> {
    // Logs break lines anywhere.
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let lower = text.to_lowercase();
    let plain = |why: Why, action: Option<&str>| Denied {
        principal: None,
        action: action.map(str::to_owned),
        resource: None,
        why,
    };
    const WEB: &str = "sts:AssumeRoleWithWebIdentity";
    if lower.contains("no openidconnect provider found") {
        return Some(plain(Why::NoProvider, Some(WEB)));
    }
    if lower.contains("incorrect token audience") {
        return Some(plain(Why::WrongAudience, Some(WEB)));
    }
    let no_token = [
        "actions_id_token_request_url",
        "actions_id_token_request_token",
        "unable to get id token",
        "unable to get oidc token",
        "could not load credentials from any providers",
        "credentials could not be loaded",
    ];
    if no_token.iter().any(|part| lower.contains(part)) {
        return Some(plain(Why::NoToken, None));
    }
    if lower.contains("unable to assume the role") {
        let role = quoted(&text).filter(|role| role.contains(":role/"));
        return Some(Denied { resource: role, ..plain(Why::TaskRole, Some("sts:AssumeRole")) });
    }
    let action = named_action(&text, &lower);
    if action.as_deref().is_some_and(|action| action.eq_ignore_ascii_case(WEB)) {
        let resource = on_resource(&text, &lower);
        return Some(Denied { resource, ..plain(Why::WebIdentity, Some(WEB)) });
    }
    let encoded = lower.contains("encoded authorization failure message");
    let refused = action.is_some()
        || encoded
        || ["accessdenied", "access denied", "unauthorizedoperation", "not authorized"]
            .iter()
            .any(|part| lower.contains(part));
    if !refused {
        return None;
    }
    let principal = after(&text, &lower, "user: ").or_else(|| after(&text, &lower, "principal: ")).and_then(|rest| {
        let word = rest.split(' ').next()?.trim_end_matches([',', '.']);
        word.starts_with("arn:").then(|| word.to_owned())
    });
    let action = action.or_else(|| operation(&text, &lower, encoded));
    if action.is_none() && principal.is_none() && !encoded {
        return None;
    }
    let why = match reason(&lower) {
        Why::Unsaid if encoded => Why::Encoded,
        why => why,
    };
    Some(Denied { principal, resource: on_resource(&text, &lower), action, why })
}

/// The action after "authorized to perform". EC2 says "this operation" first, and names it in the next sentence.
fn named_action(text: &str, lower: &str) -> Option<String> {
    const MARKER: &str = "authorized to perform";
    if lower.len() != text.len() {
        return None;
    }
    lower.match_indices(MARKER).find_map(|(at, _)| {
        let rest = text.get(at + MARKER.len()..)?;
        let word = rest.trim_start_matches([':', ' ']).split(' ').next()?;
        let word = word.trim_end_matches(['.', ',', '"', '\'', ')', ';']);
        let (service, name) = word.split_once(':')?;
        let plain = service.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        (plain && !service.is_empty() && !name.is_empty()).then(|| word.to_owned())
    })
}

fn after<'a>(text: &'a str, lower: &str, marker: &str) -> Option<&'a str> {
    // Lower case of ASCII keeps places; where other letters changed their length, nothing is found.
    let at = lower.find(marker).filter(|_| lower.len() == text.len())?;
    text.get(at + marker.len()..)
}

fn on_resource(text: &str, lower: &str) -> Option<String> {
    let rest = after(text, lower, "on resource:").or_else(|| {
        after(text, lower, " on arn:").map(|_| {
            let at = lower.find(" on arn:").unwrap_or_default();
            text.get(at + 4..).unwrap_or_default()
        })
    })?;
    let word = rest.trim_start().split(' ').next()?.trim_end_matches([',', '.', '"', '\'', ';']);
    (!word.is_empty()).then(|| word.to_owned())
}

/// `ec2:CreateSecurityGroup` from "when calling the CreateSecurityGroup operation"; other services do not say which they are.
fn operation(text: &str, lower: &str, ec2: bool) -> Option<String> {
    let rest = after(text, lower, "when calling the ")?;
    let name = rest.split(' ').next()?;
    (ec2 || lower.contains("unauthorizedoperation")).then(|| format!("ec2:{name}"))
}

fn reason(lower: &str) -> Why {
    let find = |rest: &str| POLICIES.iter().find(|(words, _)| rest.starts_with(words)).map(|(_, policy)| *policy);
    if let Some((_, rest)) = lower.split_once("with an explicit deny in ") {
        let rest = rest.trim_start_matches("an ").trim_start_matches("a ");
        return find(rest).map_or(Why::Unsaid, Why::Denies);
    }
    if let Some((_, rest)) = lower.split_once("because no ") {
        return find(rest).map_or(Why::Unsaid, Why::NotAllowed);
    }
    Why::Unsaid
}

fn quoted(text: &str) -> Option<String> {
    let (_, rest) = text.split_once("arn:")?;
    let word = rest.split([' ', '\'', '"']).next()?.trim_end_matches(['.', ',']);
    Some(format!("arn:{word}"))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

    use super::*;

    const USER: &str = "arn:aws:iam::123456789012:user/ci";
    const SERVICE: &str = "arn:aws:ecs:us-west-2:123456789012:service/papyrus/papyrus";

    fn found(text: &str) -> (Option<String>, Option<String>, Option<String>, Why) {
        let denied = read(text).unwrap();
        (denied.principal, denied.action, denied.resource, denied.why)
    }

    fn all(
        principal: &str,
        action: &str,
        resource: &str,
        why: Why,
    ) -> (Option<String>, Option<String>, Option<String>, Why) {
        let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        (some(principal), some(action), some(resource), why)
    }

    #[test]
    fn every_reason() {
        for (end, why) in [
            ("because no identity-based policy allows the ecs:UpdateService action", Why::NotAllowed(Policy::Identity)),
            ("because no resource-based policy allows the ecs:UpdateService action", Why::NotAllowed(Policy::Resource)),
            ("because no permissions boundary allows the ecs:UpdateService action", Why::NotAllowed(Policy::Boundary)),
            ("because no session policy allows the ecs:UpdateService action", Why::NotAllowed(Policy::Session)),
            (
                "because no service control policy allows the ecs:UpdateService action",
                Why::NotAllowed(Policy::ServiceControl),
            ),
            ("because no VPC endpoint policy allows the ecs:UpdateService action", Why::NotAllowed(Policy::Endpoint)),
            ("with an explicit deny in an identity-based policy", Why::Denies(Policy::Identity)),
            (
                "with an explicit deny in a permissions boundary: arn:aws:iam::123456789012:policy/limit",
                Why::Denies(Policy::Boundary),
            ),
            ("with an explicit deny in a service control policy", Why::Denies(Policy::ServiceControl)),
            ("with an explicit deny in a resource control policy", Why::Denies(Policy::ResourceControl)),
            ("with an explicit deny in a resource-based policy", Why::Denies(Policy::Resource)),
            ("", Why::Unsaid),
        ] {
            let text = format!(
                "AccessDeniedException: User: {USER} is not authorized to perform: ecs:UpdateService on resource: {SERVICE} {end}"
            );
            assert_eq!(found(&text), all(USER, "ecs:UpdateService", SERVICE, why), "{text}");
        }
    }

    #[test]
    fn other_shapes() {
        let role = "arn:aws:iam::123456789012:role/papyrus-task";
        assert_eq!(
            found(&format!(
                "User: {USER} is not authorized to perform: iam:PassRole on resource: {role}\n  because no identity-based policy allows the iam:PassRole action"
            )),
            all(USER, "iam:PassRole", role, Why::NotAllowed(Policy::Identity))
        );
        assert_eq!(
            found(&format!("User: {USER} is not authorized to perform iam:PassRole on {role}.")),
            all(USER, "iam:PassRole", role, Why::Unsaid)
        );
        assert_eq!(
            found(
                "An error occurred (UnauthorizedOperation) when calling the CreateSecurityGroup operation: You are not authorized to perform this operation. Encoded authorization failure message: AbCd"
            ),
            all("", "ec2:CreateSecurityGroup", "", Why::Encoded)
        );
        assert_eq!(
            found(&format!(
                "UnauthorizedOperation: You are not authorized to perform this operation. User: {USER} is not authorized to perform: ec2:CreateTags on resource: arn:aws:ec2:us-west-2:123456789012:security-group/* because no identity-based policy allows the ec2:CreateTags action. Encoded authorization failure message: AbCd"
            )),
            all(
                USER,
                "ec2:CreateTags",
                "arn:aws:ec2:us-west-2:123456789012:security-group/*",
                Why::NotAllowed(Policy::Identity)
            )
        );
        assert_eq!(found("Error: Not authorized to perform sts:AssumeRoleWithWebIdentity").3, Why::WebIdentity);
        assert_eq!(found("User is not authorized to perform: sts:AssumeRoleWithWebIdentity").3, Why::WebIdentity);
        assert_eq!(found("InvalidIdentityToken: No OpenIDConnect provider found in your account for https://token.actions.githubusercontent.com").3, Why::NoProvider);
        assert_eq!(found("InvalidIdentityToken: Incorrect token audience").3, Why::WrongAudience);
        assert_eq!(found("Error: Credentials could not be loaded, please check your action inputs: Could not load credentials from any providers").3, Why::NoToken);
        assert_eq!(
            found(&format!("ECS was unable to assume the role '{role}' that was provided for this task.")),
            all("", "sts:AssumeRole", role, Why::TaskRole)
        );
    }

    #[test]
    fn what_is_no_refusal() {
        for text in ["", "ThrottlingException: Rate exceeded", "hello İ world", "AccessDenied"] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
