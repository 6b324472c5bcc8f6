//! CloudWatch log groups: neither emulator has `AssociateKmsKey`, `DisassociateKmsKey` and `PutLogGroupDeletionProtection`
//! (CloudWatch Logs API reference), so the proxy answers them and shows what they set
//! where AWS does. moto forgets the class.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use hyper::body::Bytes;
use serde_json::Value;

use crate::proxy::{Call, Play, Reply};

/// Members by account, region and group; null where one was taken off.
#[derive(Debug, Default)]
pub(super) struct LogGroups(Mutex<BTreeMap<String, BTreeMap<&'static str, Value>>>);

impl LogGroups {
    fn set(&self, call: &Call, group: &Value, member: &'static str, value: Value) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.entry(place(call, group)).or_default().insert(member, value);
    }
}

fn place(call: &Call, group: &Value) -> String {
    format!("{}/{}/{}", call.account, call.region, group.as_str().unwrap_or_default())
}

impl Play for LogGroups {
    fn before(&self, call: &Call) -> Option<Reply> {
        if call.service != "logs" {
            return None;
        }
        let request = call.json();
        match call.action.as_str() {
            "AssociateKmsKey" => self.set(call, &request["logGroupName"], "kmsKeyId", request["kmsKeyId"].clone()),
            "DisassociateKmsKey" => self.set(call, &request["logGroupName"], "kmsKeyId", Value::Null),
            "PutLogGroupDeletionProtection" => {
                let on = request["deletionProtectionEnabled"].clone();
                self.set(call, &request["logGroupIdentifier"], "deletionProtectionEnabled", on);
            }
            "DeleteLogGroup" => {
                let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
                let group = known.get(&place(call, &request["logGroupName"]));
                let protected =
                    group.and_then(|members| members.get("deletionProtectionEnabled")) == Some(&Value::Bool(true));
                let message = "The log group has deletion protection enabled.";
                return protected.then(|| Reply::error(call, 400, "ValidationException", message));
            }
            _ => return None,
        }
        Some(Reply::new(call, 200, "{}"))
    }

    fn after(&self, call: &Call, reply: &mut Reply) {
        if call.service != "logs" || !reply.is_success() {
            return;
        }
        if call.action == "DeleteLogGroup" {
            let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            known.remove(&place(call, &call.json()["logGroupName"]));
        }
        if call.action == "CreateLogGroup" {
            let request = call.json();
            let class = request["logGroupClass"].as_str().unwrap_or("STANDARD");
            self.set(call, &request["logGroupName"], "logGroupClass", class.into());
        }
        if call.action != "DescribeLogGroups" {
            return;
        }
        let mut answer = reply.json();
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for group in answer["logGroups"].as_array_mut().into_iter().flatten() {
            let Some(members) = known.get(&place(call, &group["logGroupName"])) else { continue };
            for (member, value) in members {
                match (value, group.as_object_mut()) {
                    (Value::Null, Some(group)) => {
                        group.remove(*member);
                    }
                    _ => group[*member] = value.clone(),
                }
            }
        }
        reply.body = Bytes::from(answer.to_string());
    }
}
