//! Pages without items that are followed by others: "AWS may return fewer results, or none, and a token" (IAM, ECS, EC2, tagging
//! API references). Every list comes as an empty page, then the page itself, then an empty last one.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use hyper::body::Bytes;
use serde_json::json;

use crate::proxy::{Call, Play, Reply};
use crate::services::Wire;

/// Lists: their service and action, their member in answers, and the token in requests and answers.
const LISTS: &[(&str, &str, &str, &str)] = &[
    ("tagging", "GetResources", "ResourceTagMappingList", "PaginationToken"),
    ("ecs", "ListServices", "serviceArns", "nextToken"),
    ("ecs", "ListTaskDefinitions", "taskDefinitionArns", "nextToken"),
    ("logs", "DescribeLogGroups", "logGroups", "nextToken"),
    ("ecr", "DescribeRepositories", "repositories", "nextToken"),
    ("ecr", "DescribeImages", "imageDetails", "nextToken"),
    ("ssm", "DescribeParameters", "Parameters", "NextToken"),
    ("iam", "GetAccountAuthorizationDetails", "", "Marker"),
    ("iam", "ListRoles", "Roles", "Marker"),
    ("iam", "ListPolicies", "Policies", "Marker"),
    ("iam", "ListPolicyVersions", "Versions", "Marker"),
    ("iam", "ListEntitiesForPolicy", "", "Marker"),
    ("iam", "ListAttachedRolePolicies", "AttachedPolicies", "Marker"),
    ("iam", "ListRolePolicies", "PolicyNames", "Marker"),
    ("ec2", "DescribeSecurityGroups", "securityGroupInfo", "NextToken"),
    ("ec2", "DescribeSubnets", "subnetSet", "NextToken"),
];

const SECOND: &str = "hatoba-page-2-";
const THIRD: &str = "hatoba-page-3-";

/// Puts an empty page before and after every list.
#[derive(Debug, Default)]
pub struct EmptyPages {
    /// The real answers, by token.
    kept: Mutex<BTreeMap<String, Reply>>,
    /// The lists that were asked for to their ends.
    read: Mutex<BTreeSet<String>>,
    lists: AtomicUsize,
}

impl EmptyPages {
    /// The lists that were read to their ends, as `service:action`.
    pub fn read(&self) -> BTreeSet<String> {
        self.read.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn kept(&self) -> MutexGuard<'_, BTreeMap<String, Reply>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

type List = (&'static str, &'static str, &'static str, &'static str);

fn list(call: &Call) -> Option<List> {
    let list = LISTS.iter().copied().find(|list| list.0 == call.service && list.1 == call.action)?;
    // What is asked for by name has no pages.
    let named = call.json().get("repositoryNames").is_some();
    (!named).then_some(list)
}

fn token(call: &Call, name: &str) -> Option<String> {
    let token = match call.wire {
        Wire::Json => call.json()[name].as_str().map(str::to_owned),
        _ => call.form().remove(name),
    };
    token.filter(|token| !token.is_empty())
}

/// A page without items, with a token unless it is the last.
fn empty(call: &Call, (_, action, member, name): List, token: Option<&str>) -> Reply {
    let body = match call.wire {
        Wire::Json => {
            let mut page = json!({ member: [] });
            if let Some(token) = token {
                page[name] = json!(token);
            }
            page.to_string()
        }
        Wire::Ec2 => {
            let token = token.map(|token| format!("<nextToken>{token}</nextToken>")).unwrap_or_default();
            format!("<{action}Response><{member}/>{token}</{action}Response>")
        }
        _ => {
            let token = match token {
                Some(token) => format!("<IsTruncated>true</IsTruncated><Marker>{token}</Marker>"),
                None => "<IsTruncated>false</IsTruncated>".to_owned(),
            };
            let member = if member.is_empty() { String::new() } else { format!("<{member}/>") };
            format!("<{action}Response><{action}Result>{token}{member}</{action}Result></{action}Response>")
        }
    };
    Reply::new(call, 200, body)
}

/// The page with a token for one more.
fn with_token(call: &Call, (_, action, _, name): List, mut page: Reply, token: &str) -> Reply {
    if call.wire == Wire::Json {
        let mut answer = page.json();
        answer[name] = json!(token);
        page.body = Bytes::from(answer.to_string());
        return page;
    }
    let text = page.text();
    let text = if call.wire == Wire::Ec2 {
        let end = format!("</{action}Response>");
        text.replace(&end, &format!("<nextToken>{token}</nextToken>{end}"))
    } else {
        let end = format!("</{action}Result>");
        let text = text.replace("<IsTruncated>false</IsTruncated>", "");
        text.replace(&end, &format!("<IsTruncated>true</IsTruncated><Marker>{token}</Marker>{end}"))
    };
    page.body = Bytes::from(text);
    page
}

fn has_more(call: &Call, name: &str, reply: &Reply) -> bool {
    match call.wire {
        Wire::Json => reply.json()[name].as_str().is_some_and(|token| !token.is_empty()),
        Wire::Ec2 => reply.text().contains("<nextToken>"),
        _ => reply.text().contains("<IsTruncated>true</IsTruncated>"),
    }
}

impl Play for EmptyPages {
    fn before(&self, call: &Call) -> Option<Reply> {
        let list = list(call)?;
        let token = token(call, list.3)?;
        if let Some(number) = token.strip_prefix(SECOND) {
            let page = self.kept().remove(number)?;
            return Some(with_token(call, list, page, &format!("{THIRD}{number}")));
        }
        token.starts_with(THIRD).then(|| {
            self.read.lock().unwrap_or_else(PoisonError::into_inner).insert(call.name());
            empty(call, list, None)
        })
    }

    fn after(&self, call: &Call, reply: &mut Reply) {
        let Some(list) = list(call).filter(|_| reply.is_success()) else { return };
        if token(call, list.3).is_some() || has_more(call, list.3, reply) {
            return;
        }
        let number = self.lists.fetch_add(1, Ordering::Relaxed).to_string();
        self.kept().insert(number.clone(), reply.clone());
        *reply = empty(call, list, Some(&format!("{SECOND}{number}")));
    }
}
