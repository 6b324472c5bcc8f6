//! An account on ministack with users, roles and sessions.

use std::time::{SystemTime, UNIX_EPOCH};

use hatoba_tests::client::{Answer, Client};
use hatoba_tests::emulator::{Emulator, Kind};
use hatoba_tests::iam::ask::{Outcome, outcome};
use hatoba_tests::iam::generate::Caller;
use hatoba_tests::lease::{Lease, REGION};
use serde_json::{Value, json};

/// GitHub's provider in an account.
pub(crate) fn provider(account: &str) -> String {
    format!("arn:aws:iam::{account}:oidc-provider/token.actions.githubusercontent.com")
}

/// The account, and its administrator.
pub(crate) struct Place {
    lease: Lease,
    root: Client,
}

impl Place {
    pub(crate) fn new() -> Self {
        let lease = Emulator::shared(Kind::Ministack).unwrap().lease();
        let root = Client::new(&lease.endpoint, &lease.access_key, REGION);
        Self { lease, root }
    }

    pub(crate) fn account(&self) -> &str {
        &self.lease.account
    }

    pub(crate) fn role_arn(&self, role: &str) -> String {
        format!("arn:aws:iam::{}:role/{role}", self.account())
    }

    pub(crate) fn session_arn(&self, role: &str) -> String {
        format!("arn:aws:sts::{}:assumed-role/{role}/session-1", self.account())
    }

    /// The administrator.
    pub(crate) fn root(&self) -> &Client {
        &self.root
    }

    fn iam(&self, action: &str, parameters: &Value) -> Answer {
        self.root.call("iam", action, parameters).unwrap().ok().unwrap()
    }

    /// What is known of who calls, beside the ARN.
    pub(crate) fn caller(&self, arn: String, ask_arn: bool) -> Caller {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs().to_string();
        let keys = vec![
            ("aws:PrincipalTag/team", "red".to_owned()),
            ("aws:PrincipalTag/Stage", "live".to_owned()),
            ("aws:RequestedRegion", REGION.to_owned()),
            ("aws:SecureTransport", "false".to_owned()),
            ("aws:SourceIp", "127.0.0.1".to_owned()),
            ("aws:CurrentTime", now.clone()),
            ("aws:EpochTime", now),
        ];
        Caller { account: self.account().to_owned(), arn, keys, ask_arn }
    }

    /// A user with tags and a key.
    pub(crate) fn user(&self, name: &str) -> (Caller, Client) {
        self.iam("CreateUser", &json!({ "UserName": name, "Tags": tags() }));
        let answer = self.iam("CreateAccessKey", &json!({ "UserName": name }));
        let caller = self.caller(format!("arn:aws:iam::{}:user/{name}", self.account()), true);
        (caller, self.client(&answer, None))
    }

    fn client(&self, answer: &Answer, token: Option<String>) -> Client {
        let one = |element: &str| answer.elements(element)[0].clone();
        Client::new(&self.lease.endpoint, one("AccessKeyId"), REGION).signed(one("SecretAccessKey"), token)
    }

    pub(crate) fn set_user_policy(&self, user: &str, document: &Value) {
        let parameters = json!({ "UserName": user, "PolicyName": "tried", "PolicyDocument": document.to_string() });
        self.iam("PutUserPolicy", &parameters);
    }

    pub(crate) fn bound_user(&self, user: &str, name: &str, document: &Value) {
        let made = self.iam("CreatePolicy", &json!({ "PolicyName": name, "PolicyDocument": document.to_string() }));
        let arn = &made.elements("Arn")[0];
        self.iam("PutUserPermissionsBoundary", &json!({ "UserName": user, "PermissionsBoundary": arn }));
    }

    pub(crate) fn tag_user(&self, user: &str, key: &str, value: &str) {
        self.iam("TagUser", &json!({ "UserName": user, "Tags": [{ "Key": key, "Value": value }] }));
    }

    pub(crate) fn unbound_user(&self, user: &str) {
        self.iam("DeleteUserPermissionsBoundary", &json!({ "UserName": user }));
    }

    pub(crate) fn create_role(&self, role: &str, trust: &Value) {
        let parameters = json!({ "RoleName": role, "AssumeRolePolicyDocument": trust.to_string(), "Tags": tags() });
        self.iam("CreateRole", &parameters);
    }

    pub(crate) fn set_role_policy(&self, role: &str, document: &Value) {
        let parameters = json!({ "RoleName": role, "PolicyName": "tried", "PolicyDocument": document.to_string() });
        self.iam("PutRolePolicy", &parameters);
    }

    pub(crate) fn set_trust(&self, role: &str, trust: &Value) {
        self.iam("UpdateAssumeRolePolicy", &json!({ "RoleName": role, "PolicyDocument": trust.to_string() }));
    }

    pub(crate) fn delete_user_policy(&self, user: &str) {
        self.iam("DeleteUserPolicy", &json!({ "UserName": user, "PolicyName": "tried" }));
    }

    fn ecr(&self, action: &str, parameters: &Value) {
        self.root.call("ecr", action, parameters).unwrap().ok().unwrap();
    }

    pub(crate) fn create_repository(&self, name: &str) {
        self.ecr("CreateRepository", &json!({ "repositoryName": name }));
    }

    pub(crate) fn set_repository_policy(&self, name: &str, document: &Value) {
        self.ecr("SetRepositoryPolicy", &json!({ "repositoryName": name, "policyText": document.to_string() }));
    }

    /// A session of the role, limited by a policy if there is one.
    pub(crate) fn session(&self, role: &str, passed: Option<&Value>) -> (Caller, Client) {
        let mut parameters = json!({ "RoleArn": self.role_arn(role), "RoleSessionName": "session-1" });
        if let Some(document) = passed {
            parameters["Policy"] = json!(document.to_string());
        }
        let answer = self.root.call("sts", "AssumeRole", &parameters).unwrap().ok().unwrap();
        let token = answer.elements("SessionToken")[0].clone();
        (self.caller(self.session_arn(role), false), self.client(&answer, Some(token)))
    }

    /// Asks for a session of the role with a token of GitHub that has these claims.
    pub(crate) fn put_token(&self, role: &str, claims: &[(&str, String)]) -> Outcome {
        let mut payload = json!({ "iss": "https://token.actions.githubusercontent.com" });
        for (claim, value) in claims {
            payload[*claim] = json!(value);
        }
        let token = format!("{}.{}.{}", base64(r#"{"alg":"none"}"#), base64(&payload.to_string()), base64("none"));
        let parameters =
            json!({ "RoleArn": self.role_arn(role), "RoleSessionName": "session-1", "WebIdentityToken": token });
        outcome(&self.root.call("sts", "AssumeRoleWithWebIdentity", &parameters).unwrap()).unwrap()
    }
}

fn tags() -> Value {
    json!([{ "Key": "team", "Value": "red" }, { "Key": "Stage", "Value": "live" }])
}

/// Base64 for URLs, without padding.
fn base64(text: &str) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let digit = |bits: u32| char::from(DIGITS[usize::try_from(bits & 63).unwrap()]);
    let mut encoded = String::new();
    for group in text.as_bytes().chunks(3) {
        let bits = (0..3).fold(0, |bits, at| bits << 8 | u32::from(group.get(at).copied().unwrap_or_default()));
        encoded.extend([18, 12, 6, 0].iter().take(group.len() + 1).map(|shift| digit(bits >> shift)));
    }
    encoded
}
