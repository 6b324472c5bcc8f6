//! A plan that would cost more than the file allows.

use hatoba_model::budget::Dollars;
use hatoba_prices::money::Money;
use hatoba_prices::savings::{Measure, Way, ways};

use super::change::Change;
use crate::error::{Error, Kind};
use crate::render::cost::dollars;

/// Why a plan with this cost is not carried out; nothing if it may be.
pub(crate) fn exceeded(budget: Dollars, change: &Change) -> Option<Error> {
    let limit = Money::cents(budget.cents());
    if let Some(unpriced) = change.awake.unpriced.first() {
        let message = format!(
            "the budget of {} a month cannot be checked: {} {}; nothing was changed",
            dollars(limit),
            unpriced.address,
            unpriced.why
        );
        return Some(
            Error::new(Kind::Refused, message)
                .help("take `budget:` out of the file, or put it into an environment that has prices"),
        );
    }
    let monthly = change.awake.cost().scheduled.most.to_cents();
    if monthly <= limit {
        return None;
    }
    let about = if change.awake.is_approximate() { "about " } else { "" };
    let most = if change.awake.cost().scheduled.least.to_cents() < monthly { "up to " } else { "" };
    let awake = if change.after.cost().hour == change.awake.cost().hour {
        ""
    } else {
        " once what is stopped is started again"
    };
    let message = format!(
        "it would cost {about}{most}{} a month{awake}, {} more than the budget of {}; nothing was changed",
        dollars(monthly),
        dollars(monthly - limit),
        dollars(limit)
    );
    let ways = ways(&change.awake.region, &change.services, limit);
    let alone = ways.iter().filter(|way| way.is_within(limit)).count() == ways.len();
    let error = ways.iter().enumerate().fold(Error::new(Kind::Refused, message), |error, (at, way)| {
        error.help(advice(way, if alone || at == 0 { "" } else { "and " }))
    });
    Some(match ways.last() {
        Some(way) if way.is_within(limit) => error,
        _ => error.help("raise `max_monthly` of `budget:`, or take services out of the file"),
    })
}

fn advice(way: &Way, and: &str) -> String {
    let what = match way.measure {
        Measure::Schedule => {
            "with `schedule: { start: \"cron(0 9 ? * MON-FRI *)\", stop: \"cron(0 18 ? * MON-FRI *)\" }` on its services"
        }
        Measure::Spot => "with `capacity: [{ provider: FARGATE_SPOT, weight: 1 }]` on its services",
        Measure::Arm => "with `architecture: arm64`, for which the images must be built",
        Measure::Smaller => "with the next smaller `cpu` and `memory`",
        Measure::OneTask => "with one copy of each service",
    };
    format!("{and}{what}: about {} a month", dollars(way.monthly))
}

#[cfg(test)]
#[path = "budget_tests.rs"]
mod tests;
