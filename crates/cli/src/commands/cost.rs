//! `hatoba cost`: what the stack costs, from the file and an embedded table of prices. Nothing is asked of AWS.

use hatoba_prices::money::Money;
use hatoba_prices::stack::{bill, not_included};
use hatoba_prices::table::{Item, price, regions};
use hatoba_prices::whole::{Given, StackCost, no_price, stack};

use crate::args::{CostArgs, Global};
use crate::error::{Error, Kind};
use crate::render::cost::{Around, compared, tables};
use crate::render::cost_json;
use crate::session;
use crate::ui::Ui;

/// Says what the stack costs running, on its schedule and stopped.
pub(crate) fn run(global: &Global, args: &CostArgs, ui: &Ui) -> Result<u8, Error> {
    let file = session::read(global, ui)?;
    session::warn(&file.source, &file.loaded, ui);
    let spec = &file.loaded.stack;
    let region = spec.region.as_str();
    let given = Given { images: args.images, logs: args.logs };
    for (item, given) in [(Item::Images, given.images), (Item::Logs, given.logs)] {
        if given.is_some() && price(region, item).is_none() {
            return Err(Error::new(Kind::Failed, no_price(&[item], region)).help("leave the option out"));
        }
    }
    let bill = bill(spec);
    let cost = stack(region, &bill, given);
    let mut others: Vec<(&str, StackCost)> = Vec::new();
    if args.compare {
        others.extend(regions().into_iter().map(|other| (other, stack(other, &bill, Given::default()))));
        others.sort_by_key(|(other, cost)| (!cost.unpriced.is_empty(), cost.cost().scheduled.most, *other));
    }
    let not_included = not_included(spec);
    let budget = spec.budget.as_ref().map(|budget| Money::cents(budget.max_monthly.cents()));
    let around = Around { stack: spec.stack.as_str(), not_included: &not_included, budget };
    if ui.json {
        ui.document(&cost_json::stack(&cost, &around, &others))?;
        return Ok(0);
    }
    ui.show(&tables(&cost, &around))?;
    if args.compare {
        ui.show(&compared(&others))?;
    }
    Ok(0)
}
