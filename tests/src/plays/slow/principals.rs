//! A principal is stored by its unique id. When the role is deleted, policies that name it show the id, also when another
//! role of the same name is made (IAM user guide, "AWS JSON policy elements: Principal").

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use hyper::body::Bytes;

use crate::proxy::{Call, Play, Reply};

/// The unique id that stands for a deleted role.
pub const UNIQUE_ID: &str = "AROADBQP57FF2AEXAMPLE";

/// Shows the unique id in place of a deleted role in the trust of other roles, until that trust is written again.
#[derive(Debug, Default)]
pub struct DeletedPrincipals {
    /// ARNs of deleted roles, as they stand in answers.
    gone: Mutex<BTreeSet<String>>,
}

impl DeletedPrincipals {
    fn lock(&self) -> MutexGuard<'_, BTreeSet<String>> {
        self.gone.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Play for DeletedPrincipals {
    fn before(&self, call: &Call) -> Option<Reply> {
        let writes = call.service == "iam" && ["CreateRole", "UpdateAssumeRolePolicy"].contains(&call.action.as_str());
        let dead = writes && call.form().values().any(|value| value.contains(UNIQUE_ID));
        let message = format!("Invalid principal in policy: \"AWS\":\"{UNIQUE_ID}\"");
        dead.then(|| Reply::error(call, 400, "MalformedPolicyDocument", &message))
    }

    fn after(&self, call: &Call, reply: &mut Reply) {
        if call.service != "iam" || !reply.is_success() {
            return;
        }
        let form = call.form();
        match call.action.as_str() {
            "DeleteRole" => {
                let name = form.get("RoleName").map(String::as_str).unwrap_or_default();
                self.lock().insert(format!("arn:aws:iam::{}:role/{name}", call.account));
            }
            "UpdateAssumeRolePolicy" | "CreateRole" => {
                let document: String = form
                    .iter()
                    .filter(|(key, _)| key.ends_with("PolicyDocument"))
                    .map(|(_, text)| text.as_str())
                    .collect();
                self.lock().retain(|arn| !document.contains(arn.as_str()));
            }
            _ => {
                let mut text = reply.text();
                for arn in self.lock().iter() {
                    // Policies are URL-encoded in answers; what is not is the role itself.
                    let encoded = arn.replace(':', "%3A").replace('/', "%2F");
                    text = text.replace(&format!("%22{encoded}%22"), &format!("%22{UNIQUE_ID}%22"));
                }
                reply.body = Bytes::from(text);
            }
        }
    }
}
