//! The table of prices: what is billed, how much it is in which region, and who says so.

use crate::money::Money;
use crate::sources::{PRICES, SPOT_SHARE, Source};

/// Something that AWS bills.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Item {
    /// A vCPU of a Linux task on x86.
    Vcpu,
    /// A GB of memory of a Linux task on x86.
    Memory,
    /// A vCPU of a Linux task on ARM.
    ArmVcpu,
    /// A GB of memory of a Linux task on ARM.
    ArmMemory,
    /// A vCPU on x86, on spare capacity.
    SpotVcpu,
    /// A GB of memory on x86, on spare capacity.
    SpotMemory,
    /// A vCPU on ARM, on spare capacity.
    SpotArmVcpu,
    /// A GB of memory on ARM, on spare capacity.
    SpotArmMemory,
    /// A GB of a task's own storage above 20.
    Storage,
    /// A public IPv4 address.
    Address,
    /// A GB of images in ECR.
    Images,
    /// A GB of logs that CloudWatch takes in.
    Logs,
}

impl Item {
    /// Every item, in the order in which they are shown.
    pub const ALL: [Self; 12] = [
        Self::Vcpu,
        Self::Memory,
        Self::ArmVcpu,
        Self::ArmMemory,
        Self::SpotVcpu,
        Self::SpotMemory,
        Self::SpotArmVcpu,
        Self::SpotArmMemory,
        Self::Storage,
        Self::Address,
        Self::Images,
        Self::Logs,
    ];

    /// Its name in JSON and in `docs/cost.md`.
    pub fn key(self) -> &'static str {
        match self {
            Self::Vcpu => "vcpu",
            Self::Memory => "memory",
            Self::ArmVcpu => "arm-vcpu",
            Self::ArmMemory => "arm-memory",
            Self::SpotVcpu => "spot-vcpu",
            Self::SpotMemory => "spot-memory",
            Self::SpotArmVcpu => "spot-arm-vcpu",
            Self::SpotArmMemory => "spot-arm-memory",
            Self::Storage => "storage",
            Self::Address => "address",
            Self::Images => "images",
            Self::Logs => "logs",
        }
    }

    /// What it is, in words.
    pub fn title(self) -> &'static str {
        match self {
            Self::Vcpu => "vCPU",
            Self::Memory => "memory",
            Self::ArmVcpu => "vCPU, ARM",
            Self::ArmMemory => "memory, ARM",
            Self::SpotVcpu => "vCPU, Spot",
            Self::SpotMemory => "memory, Spot",
            Self::SpotArmVcpu => "vCPU, ARM, Spot",
            Self::SpotArmMemory => "memory, ARM, Spot",
            Self::Storage => "storage above 20 GB",
            Self::Address => "public IPv4 address",
            Self::Images => "images in ECR",
            Self::Logs => "logs taken in",
        }
    }

    /// What one of it is.
    pub fn unit(self) -> &'static str {
        match self {
            Self::Vcpu | Self::ArmVcpu | Self::SpotVcpu | Self::SpotArmVcpu => "vCPU and hour",
            Self::Memory | Self::ArmMemory | Self::SpotMemory | Self::SpotArmMemory | Self::Storage => "GB and hour",
            Self::Address => "address and hour",
            Self::Images => "GB and month",
            Self::Logs => "GB",
        }
    }

    /// On spare capacity, whose price changes all the time.
    pub fn varies(self) -> bool {
        self.on_demand().is_some()
    }

    /// The same thing on demand, for what is on spare capacity.
    fn on_demand(self) -> Option<Self> {
        match self {
            Self::SpotVcpu => Some(Self::Vcpu),
            Self::SpotMemory => Some(Self::Memory),
            Self::SpotArmVcpu => Some(Self::ArmVcpu),
            Self::SpotArmMemory => Some(Self::ArmMemory),
            _ => None,
        }
    }
}

/// A price with its source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Price {
    /// US dollars for one unit, without tax.
    pub usd: Money,
    /// Who says so, and when.
    pub source: &'static Source,
}

impl Price {
    /// Whether no source says so: it is what holds elsewhere, and may be wrong here.
    pub fn is_assumed(&self) -> bool {
        self.source.assumed
    }
}

/// The price of an item in a region; nothing where none is known. Spot has a price wherever on demand has one: without a snapshot of the
/// region it is assumed to be the usual share of it.
pub fn price(region: &str, item: Item) -> Option<Price> {
    let row = PRICES.iter().find(|row| row.item == item && row.regions.contains(&region));
    if let Some(row) = row {
        return Some(Price { usd: row.usd, source: row.source });
    }
    let full = price(region, item.on_demand()?)?;
    let (numerator, denominator) = SPOT_SHARE.0;
    Some(Price { usd: full.usd.fraction(numerator, denominator), source: SPOT_SHARE.1 })
}

/// The regions in which a Linux task on x86 has a price, by their names.
pub fn regions() -> Vec<&'static str> {
    let rows = PRICES.iter().filter(|row| row.item == Item::Vcpu);
    let mut regions: Vec<&'static str> = rows.flat_map(|row| row.regions.iter().copied()).collect();
    regions.sort_unstable();
    regions
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, clippy::panic, reason = "a test stops at the first surprise")]

    use std::collections::BTreeSet;

    use hatoba_model::names::Region;

    use super::*;

    #[test]
    fn every_region_exists_and_no_price_is_there_twice() {
        let mut seen = BTreeSet::new();
        for row in PRICES {
            for region in row.regions {
                region.parse::<Region>().unwrap();
                assert!(seen.insert((row.item, *region)), "{:?} in {region} has two prices", row.item);
            }
            assert!(row.usd > Money::ZERO);
        }
    }

    #[test]
    fn every_source_has_a_date_and_says_what_it_is() {
        for row in PRICES {
            let date: Vec<&str> = row.source.date.split('-').collect();
            let [year, month, day] = date[..] else { panic!("{} is no date", row.source.date) };
            assert!(year.len() == 4 && month.len() == 2 && day.len() == 2, "{}", row.source.date);
            assert!(row.source.what.len() > 20);
        }
    }

    #[test]
    fn where_nothing_is_known_there_is_no_price() {
        assert_eq!(price("eu-south-2", Item::Vcpu), None);
        assert_eq!(price("eu-central-1", Item::ArmVcpu), None);
        assert_eq!(price("eu-central-1", Item::SpotArmVcpu), None);
        assert_eq!(price("cn-north-1", Item::Address), None);
    }

    #[test]
    fn spot_is_cheaper_than_on_demand_and_without_a_snapshot_it_is_the_usual_share() {
        for region in regions() {
            for item in Item::ALL {
                let Some(full) = item.on_demand() else { continue };
                let (Some(spot), Some(full)) = (price(region, item), price(region, full)) else { continue };
                assert!(spot.usd < full.usd.fraction(1, 2), "{item:?} in {region}");
            }
        }
        let oregon = price("us-west-2", Item::SpotVcpu).unwrap();
        assert_eq!((oregon.usd.to_string().as_str(), oregon.is_assumed()), ("0.0129536", true));
        let virginia = price("us-east-1", Item::SpotVcpu).unwrap();
        assert_eq!((virginia.usd.to_string().as_str(), virginia.is_assumed()), ("0.01288871", false));
    }

    #[test]
    fn arm_is_cheaper_than_x86_wherever_it_has_a_price() {
        for region in regions() {
            for (arm, x86) in [(Item::ArmVcpu, Item::Vcpu), (Item::ArmMemory, Item::Memory)] {
                if let Some(arm) = price(region, arm) {
                    assert!(arm.usd < price(region, x86).unwrap().usd, "{region}");
                }
            }
        }
    }
}
