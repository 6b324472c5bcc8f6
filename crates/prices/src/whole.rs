//! What a whole stack costs.

use crate::estimate::{self, Cost, Line, ServiceCost};
use crate::money::Money;
use crate::stack::{Bill, Unpriced};
use crate::table::Item;

/// What is stored and written, where somebody says how much: in GB, which may have a fraction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Given {
    /// Images in the repositories.
    pub images: Option<Money>,
    /// Logs taken in in a month.
    pub logs: Option<Money>,
}

/// What a stack costs in a region.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StackCost {
    /// The region.
    pub region: String,
    /// Its services that have a price.
    pub services: Vec<ServiceCost>,
    /// What is stored and written, as far as it was given and has a price.
    pub other: Vec<Line>,
    /// Services that are not in the sum, and why.
    pub unpriced: Vec<Unpriced>,
    /// Services whose schedule has no fixed hours: they count as running all the time.
    pub open: Vec<String>,
}

impl StackCost {
    /// The sum.
    pub fn cost(&self) -> Cost {
        let services = self.services.iter().map(ServiceCost::cost);
        services.chain(self.other.iter().map(|line| line.cost)).sum()
    }

    /// Everything that is in the sum.
    pub fn lines(&self) -> impl Iterator<Item = &Line> {
        self.services.iter().flat_map(|service| &service.lines).chain(&self.other)
    }

    /// Whether it is only about so much: a price changes all the time, or is assumed.
    pub fn is_approximate(&self) -> bool {
        self.lines().any(|line| line.item.varies() || line.price.is_assumed())
    }
}

/// What a bill comes to in a region. A service of which any item has no price there is left out as a whole.
pub fn stack(region: &str, bill: &Bill, given: Given) -> StackCost {
    let mut unpriced = bill.unpriced.clone();
    let mut services = Vec::new();
    for service in &bill.services {
        let cost = estimate::service(region, service);
        if cost.unknown.is_empty() {
            services.push(cost);
        } else {
            let why = no_price(&cost.unknown, region);
            unpriced.push(Unpriced { address: service.address.clone(), why: format!("has {why}") });
        }
    }
    let images = given.images.and_then(|images| estimate::monthly(region, Item::Images, images, true));
    let logs = given.logs.and_then(|logs| estimate::monthly(region, Item::Logs, logs, false));
    let other = images.into_iter().chain(logs).collect();
    StackCost { region: region.to_owned(), services, other, unpriced, open: bill.open.clone() }
}

/// `no known price of vCPU, memory in eu-south-2`.
pub fn no_price(items: &[Item], region: &str) -> String {
    let titles: Vec<&str> = items.iter().map(|item| item.title()).collect();
    format!("no known price of {} in {region}", titles.join("; "))
}
