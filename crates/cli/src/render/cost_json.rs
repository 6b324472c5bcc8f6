//! What a stack costs, as JSON. Amounts are texts, so that nothing is lost to floating point.

use std::collections::BTreeMap;

use hatoba_prices::estimate::{Cost, HOURS_PER_MONTH, Line, Range};
use hatoba_prices::money::Money;
use hatoba_prices::sources::Source;
use hatoba_prices::table::{Item, Price, price};
use hatoba_prices::whole::StackCost;
use serde_json::{Value as Json, json};

use super::cost::{Around, exceeds};
use crate::cost::change::Change;

fn range(range: Range) -> Json {
    json!({ "least": range.least.to_string(), "most": range.most.to_string() })
}

fn cost(cost: &Cost) -> Json {
    json!({
        "hour": range(cost.hour),
        "running": range(cost.running),
        "scheduled": range(cost.scheduled),
        "stopped": range(cost.stopped),
    })
}

fn unpriced(cost: &StackCost) -> Vec<Json> {
    cost.unpriced.iter().map(|it| json!({ "address": it.address, "why": it.why })).collect()
}

/// What a plan changes; `null` for a stack in which nothing runs.
pub(crate) fn change(change: Option<&Change>) -> Json {
    let Some(change) = change.filter(|change| change.is_about_something()) else { return Json::Null };
    json!({
        "region": change.after.region,
        "currency": "USD",
        "before": cost(&change.before.cost()),
        "after": cost(&change.after.cost()),
        "more": range(change.more()),
        "approximate": change.is_approximate(),
        "unpriced": unpriced(&change.after),
    })
}

/// What a destroy saves a month; `null` where nothing ran.
pub(crate) fn saved(change: Option<&Change>) -> Json {
    let Some(change) = change.filter(|change| change.more().most != Money::ZERO) else { return Json::Null };
    let saved = change.more();
    let saved = Range { least: -saved.least, most: -saved.most };
    json!({ "monthly": range(saved), "currency": "USD", "approximate": change.is_approximate() })
}

/// Everything that `hatoba cost` says.
pub(crate) fn stack(of: &StackCost, around: &Around<'_>, others: &[(&str, StackCost)]) -> Json {
    let mut sources = Sources::default();
    let services: Vec<Json> = of
        .services
        .iter()
        .map(|it| {
            let (service, task) = (&it.service, &it.service.task);
            json!({
                "address": service.address,
                "tasks": { "least": service.count.least, "most": service.count.most },
                "cpu": task.cpu,
                "memory": task.memory,
                "architecture": task.machine.text(),
                "storage": task.storage,
                "public_ip": task.public_ip,
                "spot": service.uses_spot(),
                "minutes_per_week": service.minutes,
                "items": it.lines.iter().map(|line| sources.item(line)).collect::<Vec<_>>(),
                "cost": cost(&it.cost()),
            })
        })
        .collect();
    let other: Vec<Json> = of.other.iter().map(|line| sources.item(line)).collect();
    let rates: Vec<Json> = [Item::Images, Item::Logs]
        .into_iter()
        .filter_map(|item| Some(sources.rate(item, price(&of.region, item)?)))
        .collect();
    let sum = of.cost();
    let budget =
        around.budget.map(|budget| json!({ "max_monthly": budget.to_string(), "exceeded": exceeds(of, budget) }));
    let compared: Vec<Json> = others
        .iter()
        .map(|(region, other)| {
            json!({
                "region": region,
                "cost": cost(&other.cost()),
                "approximate": other.is_approximate(),
                "unpriced": unpriced(other),
            })
        })
        .collect();
    json!({
        "stack": around.stack,
        "region": of.region,
        "currency": "USD",
        "hours_per_month": HOURS_PER_MONTH,
        "services": services,
        "other": other,
        "rates": rates,
        "cost": cost(&sum),
        "approximate": of.is_approximate(),
        "unpriced": unpriced(of),
        "open_schedules": of.open,
        "not_included": around.not_included,
        "budget": budget,
        "regions": compared,
        "sources": sources.list(),
    })
}

/// The sources that were named, by their keys.
#[derive(Default)]
struct Sources(BTreeMap<&'static str, &'static Source>);

impl Sources {
    fn rate(&mut self, item: Item, price: Price) -> Json {
        self.0.insert(price.source.key, price.source);
        json!({
            "item": item.key(),
            "title": item.title(),
            "price": price.usd.to_string(),
            "unit": item.unit(),
            "source": price.source.key,
            "assumed": price.is_assumed(),
            "varies": item.varies(),
        })
    }

    fn item(&mut self, line: &Line) -> Json {
        let mut json = self.rate(line.item, line.price);
        json["cost"] = cost(&line.cost);
        json
    }

    fn list(&self) -> Vec<Json> {
        let source = |source: &&Source| json!({ "key": source.key, "what": source.what, "date": source.date, "assumed": source.assumed });
        self.0.values().map(source).collect()
    }
}
