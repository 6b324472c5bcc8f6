//! What a stack costs, for people: the line below a plan, and the tables of `hatoba cost`.

use hatoba_prices::estimate::{Cost, HOURS_PER_MONTH, Range, ServiceCost};
use hatoba_prices::money::Money;
use hatoba_prices::shape::Service;
use hatoba_prices::stack::Unpriced;
use hatoba_prices::table::{Item, price};
use hatoba_prices::whole::StackCost;

use super::Tone;
use super::line::Line;
use crate::cost::change::Change;

/// `$12.66`, `-$0.07`.
pub(crate) fn dollars(amount: Money) -> String {
    if amount < Money::ZERO { format!("-${}", (-amount).rounded(2)) } else { format!("${}", amount.rounded(2)) }
}

/// `$5.96`, or `$5.96 to $11.91` where autoscaling decides.
fn range(range: Range) -> String {
    if range.least == range.most {
        dollars(range.most)
    } else {
        format!("{} to {}", dollars(range.least), dollars(range.most))
    }
}

/// The line below a plan; nothing for a stack in which nothing runs, before or after.
pub(crate) fn plan(change: &Change) -> Option<String> {
    if !change.is_about_something() {
        return None;
    }
    let (before, after) = (change.before.cost(), change.after.cost());
    let about = if change.is_approximate() { "about " } else { "" };
    let nothing = |cost: &StackCost| cost.services.is_empty() && !cost.unpriced.is_empty();
    let mut text = if nothing(&change.after) {
        "Cost: not known".to_owned()
    } else if before == after {
        format!("Cost: {about}{} a month", range(after.scheduled))
    } else {
        let more = change.more();
        let sign = |money: Money| format!("{}{}", if money < Money::ZERO { "" } else { "+" }, dollars(money));
        let more = if more.least == more.most {
            sign(more.most)
        } else {
            format!("{} to {}", sign(more.least), sign(more.most))
        };
        format!("Cost: {about}{} → {} a month ({more})", range(before.scheduled), range(after.scheduled))
    };
    if after.scheduled != after.running {
        text.push_str(&format!(" on its schedule, {} running all the time", range(after.running)));
    }
    text.push_str("; images, logs and traffic come on top.");
    for Unpriced { address, why } in &change.after.unpriced {
        text.push_str(&format!(" Not in it: {address}, which {why}."));
    }
    Some(text)
}

/// What a destroy saves a month; nothing where nothing ran.
pub(crate) fn saved(change: &Change) -> Option<String> {
    let saved = change.more();
    if saved.most == Money::ZERO {
        return None;
    }
    let about = if change.is_approximate() { "about " } else { "" };
    Some(format!(
        "Saved: {about}{} a month that its tasks cost.",
        range(Range { least: -saved.least, most: -saved.most })
    ))
}

/// What of `hatoba cost` is beside the figures.
#[derive(Debug)]
pub(crate) struct Around<'a> {
    /// The stack's name.
    pub(crate) stack: &'a str,
    /// What else costs something, and is in no figure.
    pub(crate) not_included: &'a [String],
    /// What the file allows a month.
    pub(crate) budget: Option<Money>,
}

/// The tables of `hatoba cost`.
pub(crate) fn tables(cost: &StackCost, around: &Around<'_>) -> Vec<Line> {
    let title = format!("Cost of stack {} in {}", around.stack, cost.region);
    let mut out = vec![Line::new(0).add(Tone::Strong, &title).text(": an estimate in US dollars"), Line::blank()];
    for service in &cost.services {
        out.push(
            Line::new(0).add(Tone::Strong, &service.service.address).text(&format!(": {}", size(&service.service))),
        );
        out.extend(table(&rows(service)));
        out.push(Line::blank());
    }
    for Unpriced { address, why } in &cost.unpriced {
        out.push(Line::new(0).add(Tone::Warning, address).text(&format!(": not in the sum, because it {why}")));
    }
    for address in &cost.open {
        let text = ": its schedule has no fixed hours, so that it counts as running all the time";
        out.push(Line::new(0).add(Tone::Warning, address).text(text));
    }
    out.extend(stored(cost));
    out.push(Line::blank());
    out.extend(together(cost));
    out.extend(foot(cost, around));
    out
}

/// `2 tasks of 0.25 vCPU and 0.5 GB, arm64, on Spot, with a public address, 45 h a week`.
fn size(service: &Service) -> String {
    let task = &service.task;
    let count = match (service.count.least, service.count.most) {
        (1, 1) => "1 task".to_owned(),
        (least, most) if least == most => format!("{most} tasks"),
        (least, most) => format!("{least} to {most} tasks"),
    };
    let units = |units: u32| {
        let text = Money::cents(100).fraction(units.into(), 1024).rounded(3);
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    };
    let mut text =
        format!("{count} of {} vCPU and {} GB, {}", units(task.cpu), units(task.memory), task.machine.text());
    let split = service.split(service.count.most);
    match (split.on_demand, split.spot) {
        (_, 0) => {}
        (0, _) => text.push_str(", on Spot"),
        (_, _) => text.push_str(", partly on Spot"),
    }
    if let Some(minutes) = service.minutes {
        let hours = Money::cents(100).fraction(minutes.into(), 60).rounded(2);
        text.push_str(&format!(", {} h a week", hours.trim_end_matches('0').trim_end_matches('.')));
    }
    text
}

const HEAD: [&str; 6] = ["", "price", "an hour", "month 24/7", "scheduled", "stopped"];

fn rows(service: &ServiceCost) -> Vec<[String; 6]> {
    let mut rows = vec![HEAD.map(str::to_owned)];
    for line in &service.lines {
        let mark = if line.price.is_assumed() { " *" } else { "" };
        let first = format!("{}{mark}", line.item.title());
        rows.push(row(first, line.price.usd.to_string(), &line.cost));
    }
    rows.push(row("together".to_owned(), String::new(), &service.cost()));
    rows
}

fn row(first: String, price: String, cost: &Cost) -> [String; 6] {
    let cell = |range: Range, places: u32| {
        let (least, most) = (range.least.rounded(places), range.most.rounded(places));
        if least == most { most } else { format!("{least}–{most}") }
    };
    [first, price, cell(cost.hour, 6), cell(cost.running, 2), cell(cost.scheduled, 2), cell(cost.stopped, 2)]
}

/// The first column to the left, the others to the right.
fn table<const N: usize>(rows: &[[String; N]]) -> Vec<Line> {
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default();
    let widths: [usize; N] = std::array::from_fn(width);
    let last = rows.len().saturating_sub(1);
    let mut out = Vec::new();
    for (at, row) in rows.iter().enumerate() {
        let mut text = format!("{:<width$}", row[0], width = widths[0]);
        for (cell, width) in row.iter().zip(widths).skip(1) {
            text.push_str(&format!("  {cell:>width$}"));
        }
        let tone = if at == 0 {
            Tone::Faint
        } else if at == last {
            Tone::Strong
        } else {
            Tone::Plain
        };
        out.push(Line::new(2).whole().add(tone, text.trim_end()));
    }
    out
}

/// What is stored and written: how much it is, or what a GB of it costs.
fn stored(cost: &StackCost) -> Vec<Line> {
    let mut out = Vec::new();
    for (item, option) in [(Item::Images, "--images"), (Item::Logs, "--logs")] {
        let line = match (cost.other.iter().find(|line| line.item == item), price(&cost.region, item)) {
            (Some(line), _) => format!("{} a month", dollars(line.cost.running.most)),
            (None, Some(price)) => {
                let mark = if price.is_assumed() { " *" } else { "" };
                format!("${}{mark} for each {}; `{option} GB` adds so many", price.usd, unit(item))
            }
            (None, None) => format!("no price is known for {}", cost.region),
        };
        out.push(Line::new(0).add(Tone::Strong, item.title()).text(&format!(": {line}")));
    }
    out
}

fn unit(item: Item) -> &'static str {
    if item == Item::Logs { "GB taken in" } else { "GB and month" }
}

fn together(cost: &StackCost) -> Vec<Line> {
    let sum = cost.cost();
    if !cost.unpriced.is_empty() && cost.services.is_empty() {
        return vec![Line::new(0).add(Tone::Strong, "Together").text(" it cannot be said")];
    }
    let about = if cost.is_approximate() { "about " } else { "" };
    let mut out = vec![
        Line::new(0)
            .add(Tone::Strong, "Together")
            .text(&format!(" {about}{} a month running all the time ({HOURS_PER_MONTH} hours)", range(sum.running))),
    ];
    if sum.scheduled != sum.running {
        out.push(Line::new(9).hang(0).text(&format!("{about}{} a month on its schedule", range(sum.scheduled))));
    }
    out.push(Line::new(9).hang(0).text(&format!("{} a month stopped", range(sum.stopped))));
    out
}

/// What a budget is compared with, as far as it has a price: services on their schedules, and neither images nor logs.
fn budgeted(cost: &StackCost) -> Money {
    let services: Cost = cost.services.iter().map(ServiceCost::cost).sum();
    services.scheduled.most.to_cents()
}

/// Whether a budget is exceeded; nothing where that cannot be told, because what has no price may be too much.
pub(super) fn exceeds(cost: &StackCost, budget: Money) -> Option<bool> {
    match budgeted(cost) > budget {
        true => Some(true),
        false => cost.unpriced.is_empty().then_some(false),
    }
}

fn foot(cost: &StackCost, around: &Around<'_>) -> Vec<Line> {
    let mut out = Vec::new();
    if let Some(budget) = around.budget {
        let month = budgeted(cost);
        let line = Line::new(0).add(Tone::Strong, "Budget");
        out.push(match exceeds(cost, budget) {
            Some(true) => {
                let text = format!(" {} a month: exceeded by {}", dollars(budget), dollars(month - budget));
                line.add(Tone::Error, &text)
            }
            None => line.add(Tone::Warning, &format!("   {} a month: cannot be checked", dollars(budget))),
            Some(false) => line.text(&format!("   {} a month; {} are left", dollars(budget), dollars(budget - month))),
        });
    }
    out.push(Line::blank());
    let always = ["tax", "traffic", "stored logs", "secrets", "the free tier", "discounts"];
    let mut not: Vec<String> = always.map(str::to_owned).into();
    not.extend(around.not_included.iter().cloned());
    out.push(Line::new(0).hang(0).add(Tone::Faint, &format!("Not included: {}.", not.join(", "))));
    let prices = || {
        let rates = [Item::Images, Item::Logs].into_iter().filter_map(|item| price(&cost.region, item));
        cost.lines().map(|line| line.price).chain(rates)
    };
    if prices().any(|price| price.is_assumed()) {
        out.push(Line::new(0).hang(2).add(Tone::Faint, "* No source names this price: assumed."));
    }
    if cost.lines().any(|line| line.item.varies()) {
        out.push(
            Line::new(0).hang(0).add(Tone::Faint, "Spot prices change all the time: one moment of them counts here."),
        );
    }
    if let Some(oldest) = prices().map(|price| price.source.date).min() {
        let text = format!(
            "Prices as read on {oldest} or later; `hatoba cost --json` and docs/cost.md name the source of each."
        );
        out.push(Line::new(0).hang(0).add(Tone::Faint, &text));
    }
    out
}

/// The same services in every region, the cheapest first; those without a price at the end.
pub(crate) fn compared(regions: &[(&str, StackCost)]) -> Vec<Line> {
    let mut rows = vec![["region", "an hour", "month 24/7", "scheduled"].map(str::to_owned)];
    for (region, cost) in regions.iter().filter(|(_, cost)| cost.unpriced.is_empty()) {
        let mark = if cost.is_approximate() { " *" } else { "" };
        let [_, _, hour, running, scheduled, _] = row(String::new(), String::new(), &cost.cost());
        rows.push([format!("{region}{mark}"), hour, running, scheduled]);
    }
    let mut out =
        vec![Line::blank(), Line::new(0).add(Tone::Strong, "Its services in every region whose prices are known")];
    out.extend(table(&rows));
    let without: Vec<&str> =
        regions.iter().filter(|(_, cost)| !cost.unpriced.is_empty()).map(|(region, _)| *region).collect();
    if !without.is_empty() {
        let text = format!("Not all prices are known for {}.", without.join(", "));
        out.push(Line::new(0).hang(0).add(Tone::Faint, &text));
    }
    if regions.iter().any(|(_, cost)| cost.unpriced.is_empty() && cost.is_approximate()) {
        out.push(Line::new(0).hang(2).add(Tone::Faint, "* About: a price is assumed, or changes all the time."));
    }
    out
}

#[cfg(test)]
#[path = "cost_tests.rs"]
mod tests;
