//! What a successful call tells about tags. ARNs are the answer's where it has them, else computed as AWS makes them.

use std::collections::BTreeMap;

use serde_json::Value;

use super::protocol::Call;
use super::reply::Reply;
use crate::client::elements;

/// Tags by key.
pub type Tags = BTreeMap<String, String>;

/// One thing learnt about one resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// It exists from now on with these tags. One that existed already keeps its own: a repeated `CreateCluster` changes none.
    Created(String, Tags),
    /// It got these tags beside those it has.
    Tagged(String, Tags),
    /// It lost these keys, and where a value is stated only if it had that value.
    Untagged(String, Vec<(String, Option<String>)>),
    /// It lost all tags.
    Cleared(String),
    /// It is gone.
    Deleted(String),
}

/// Reads what a call did to tags; nothing unless the answer was a success.
pub fn changes(call: &Call, reply: &Reply) -> Vec<Change> {
    if !reply.is_success() {
        return Vec::new();
    }
    match call.service.as_str() {
        "ecr" => ecr(call, reply),
        "ecs" => ecs(call, reply),
        "logs" => logs(call),
        "ssm" => ssm(call, reply),
        "ec2" => ec2(call, reply),
        "tagging" => tagging(call, reply),
        _ => Vec::new(),
    }
}

fn ecr(call: &Call, reply: &Reply) -> Vec<Change> {
    let (request, answer) = (call.json(), reply.json());
    let arn = text(&answer["repository"]["repositoryArn"]);
    match call.action.as_str() {
        "CreateRepository" => created(arn, &request["tags"]),
        "DeleteRepository" => deleted(arn),
        _ => by_arn(call, &request),
    }
}

fn ecs(call: &Call, reply: &Reply) -> Vec<Change> {
    let (request, answer) = (call.json(), reply.json());
    let tags = &request["tags"];
    match call.action.as_str() {
        "CreateCluster" => created(text(&answer["cluster"]["clusterArn"]), tags),
        "CreateService" => created(text(&answer["service"]["serviceArn"]), tags),
        "RegisterTaskDefinition" => created(text(&answer["taskDefinition"]["taskDefinitionArn"]), tags),
        "DeleteCluster" => deleted(text(&answer["cluster"]["clusterArn"])),
        "DeleteService" => deleted(text(&answer["service"]["serviceArn"])),
        "DeleteTaskDefinitions" => {
            items(&answer["taskDefinitions"]).flat_map(|item| deleted(text(&item["taskDefinitionArn"]))).collect()
        }
        _ => by_arn(call, &request),
    }
}

fn logs(call: &Call) -> Vec<Change> {
    let request = call.json();
    let arn = || {
        let name = text(&request["logGroupName"])?;
        arn(call, "logs", &format!("log-group:{name}"))
    };
    match call.action.as_str() {
        "CreateLogGroup" => created(arn(), &request["tags"]),
        "DeleteLogGroup" => deleted(arn()),
        // The older pair of calls, which name the group instead of its ARN.
        "TagLogGroup" => tagged(arn(), &request["tags"]),
        "UntagLogGroup" => untagged(arn(), &request["tags"]),
        _ => by_arn(call, &request),
    }
}

fn ssm(call: &Call, reply: &Reply) -> Vec<Change> {
    let request = call.json();
    let parameter = |name: &Value| {
        let name = text(name)?;
        let slash = if name.starts_with('/') { "" } else { "/" };
        arn(call, "ssm", &format!("parameter{slash}{name}"))
    };
    let is_parameter = request["ResourceType"] == "Parameter";
    match call.action.as_str() {
        "PutParameter" => created(parameter(&request["Name"]), &request["Tags"]),
        "AddTagsToResource" if is_parameter => tagged(parameter(&request["ResourceId"]), &request["Tags"]),
        "RemoveTagsFromResource" if is_parameter => untagged(parameter(&request["ResourceId"]), &request["TagKeys"]),
        "DeleteParameter" => deleted(parameter(&request["Name"])),
        "DeleteParameters" => {
            items(&reply.json()["DeletedParameters"]).flat_map(|name| deleted(parameter(name))).collect()
        }
        _ => Vec::new(),
    }
}

fn ec2(call: &Call, reply: &Reply) -> Vec<Change> {
    let form = call.form();
    let group = |id: &str| arn(call, "ec2", &format!("security-group/{id}"));
    let groups = || numbered(&form, "ResourceId").into_iter().filter(|id| id.starts_with("sg-"));
    match call.action.as_str() {
        "CreateSecurityGroup" => {
            let tags = (1..)
                .map_while(|n| Some((n, form.get(&format!("TagSpecification.{n}.ResourceType"))?)))
                .filter(|(_, kind)| *kind == "security-group")
                .flat_map(|(n, _)| form_tags(&form, &format!("TagSpecification.{n}.Tag")))
                .map(|(key, value)| (key, value.unwrap_or_default()))
                .collect();
            let arn = elements(&reply.text(), "groupId").first().and_then(|id| group(id));
            arn.map(|arn| Change::Created(arn, tags)).into_iter().collect()
        }
        "CreateTags" => {
            let tags: Tags =
                form_tags(&form, "Tag").into_iter().map(|(key, value)| (key, value.unwrap_or_default())).collect();
            groups().filter_map(|id| group(&id)).map(|arn| Change::Tagged(arn, tags.clone())).collect()
        }
        "DeleteTags" => {
            let keys = form_tags(&form, "Tag");
            let change = |arn| if keys.is_empty() { Change::Cleared(arn) } else { Change::Untagged(arn, keys.clone()) };
            groups().filter_map(|id| group(&id)).map(change).collect()
        }
        "DeleteSecurityGroup" => deleted(form.get("GroupId").and_then(|id| group(id))),
        _ => Vec::new(),
    }
}

fn tagging(call: &Call, reply: &Reply) -> Vec<Change> {
    let (request, answer) = (call.json(), reply.json());
    let arns = items(&request["ResourceARNList"])
        .filter_map(text)
        .filter(|arn| answer["FailedResourcesMap"].get(arn).is_none());
    match call.action.as_str() {
        "TagResources" => arns.flat_map(|arn| tagged(Some(arn), &request["Tags"])).collect(),
        "UntagResources" => arns.flat_map(|arn| untagged(Some(arn), &request["TagKeys"])).collect(),
        _ => Vec::new(),
    }
}

/// `TagResource` and `UntagResource` look alike in ECR, ECS and logs.
fn by_arn(call: &Call, request: &Value) -> Vec<Change> {
    // Log groups have a second form of their ARN, with `:*` behind.
    let arn = text(&request["resourceArn"]).map(|arn| arn.trim_end_matches(":*").to_owned());
    match call.action.as_str() {
        "TagResource" => tagged(arn, &request["tags"]),
        "UntagResource" => untagged(arn, &request["tagKeys"]),
        _ => Vec::new(),
    }
}

fn created(arn: Option<String>, tags: &Value) -> Vec<Change> {
    arn.map(|arn| Change::Created(arn, json_tags(tags))).into_iter().collect()
}

fn tagged(arn: Option<String>, tags: &Value) -> Vec<Change> {
    arn.map(|arn| Change::Tagged(arn, json_tags(tags))).into_iter().collect()
}

fn untagged(arn: Option<String>, keys: &Value) -> Vec<Change> {
    let keys = items(keys).filter_map(text).map(|key| (key, None)).collect();
    arn.map(|arn| Change::Untagged(arn, keys)).into_iter().collect()
}

fn deleted(arn: Option<String>) -> Vec<Change> {
    arn.map(Change::Deleted).into_iter().collect()
}

fn arn(call: &Call, service: &str, resource: &str) -> Option<String> {
    let known = !call.region.is_empty() && !call.account.is_empty();
    known.then(|| format!("arn:aws:{service}:{}:{}:{resource}", call.region, call.account))
}

fn text(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

fn items(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

/// Reads tags in any of the forms in use: a map, or a list with `Key`/`Value` or `key`/`value`.
fn json_tags(tags: &Value) -> Tags {
    if let Some(map) = tags.as_object() {
        return map.iter().filter_map(|(key, value)| Some((key.clone(), text(value)?))).collect();
    }
    let either = |tag: &Value, upper: &str, lower: &str| tag.get(upper).or_else(|| tag.get(lower)).and_then(text);
    items(tags)
        .filter_map(|tag| Some((either(tag, "Key", "key")?, either(tag, "Value", "value").unwrap_or_default())))
        .collect()
}

/// Reads `PREFIX.1`, `PREFIX.2`, ...
fn numbered(form: &BTreeMap<String, String>, prefix: &str) -> Vec<String> {
    (1..).map_while(|n| form.get(&format!("{prefix}.{n}")).cloned()).collect()
}

/// Reads `PREFIX.1.Key`, `PREFIX.1.Value`, ...
fn form_tags(form: &BTreeMap<String, String>, prefix: &str) -> Vec<(String, Option<String>)> {
    (1..)
        .map_while(|n| {
            let key = form.get(&format!("{prefix}.{n}.Key"))?.clone();
            Some((key, form.get(&format!("{prefix}.{n}.Value")).cloned()))
        })
        .collect()
}
