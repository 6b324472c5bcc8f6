//! Whether log groups are there. Fargate stops a task whose group is missing before it starts; only with `awslogs-create-group` the
//! driver makes it. (ECS developer guide, "Send Amazon ECS logs to CloudWatch".)

use super::facts::{Fact, Facts};
use super::finding::{Finding, Level};
use super::subject::{Task, in_task};
use crate::address::Address;
use crate::facts::Facts as Place;

pub(super) fn judge(key: &str, task: &Task, facts: &Facts, place: &Place, out: &mut Vec<Finding>) {
    for (name, container) in &task.containers {
        let Some(logs) = container.logs.as_ref().filter(|logs| !logs.creates) else { continue };
        let group = &logs.group;
        let (level, code, message, help) = match facts.log_groups.get(&(logs.region.clone(), group.clone())) {
            Some(Fact::There(())) => continue,
            Some(Fact::Missing) => (
                Level::Error,
                "log-group-missing",
                format!("there is no log group `{group}`: tasks would stop before they start"),
                "add it under `log_groups`, or let the driver make it: `logs: { group: …, create_group: true }`"
                    .to_owned(),
            ),
            Some(Fact::Unread(why)) => {
                (Level::NotChecked, "log-group-unread", format!("the log group `{group}`: {why}"), String::new())
            }
            None => {
                let region = if logs.region == place.region.as_str() { "" } else { " of another region" };
                (
                    Level::NotChecked,
                    "log-group-unread",
                    format!("the log group `{group}`{region}: not asked"),
                    String::new(),
                )
            }
        };
        let address = Address::new("task_definition", key);
        let path = in_task(key, &["containers", name, "logs"]);
        out.push(Finding { level, code, address, path, message, help });
    }
}
