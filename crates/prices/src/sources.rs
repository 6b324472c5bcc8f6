//! The prices as data, each with where it was read and when. Linux, US dollars, without tax, free tier and discounts.
//!
//! None of them was read from AWS by hatoba: they are from public notes of people who read AWS's own price list. `docs/cost.md` shows the
//! same numbers, and a test compares the two.

use crate::money::Money;
use crate::table::Item;

/// Where a price is from.
#[derive(Debug, PartialEq, Eq)]
pub struct Source {
    /// How `docs/cost.md` and JSON call it.
    pub key: &'static str,
    /// What was read.
    pub what: &'static str,
    /// When it was read there: year, month, day.
    pub date: &'static str,
    /// Whether it is only assumed to be the same as elsewhere: no source names it.
    pub assumed: bool,
}

/// A price in some regions.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) item: Item,
    pub(crate) regions: &'static [&'static str],
    pub(crate) usd: Money,
    pub(crate) source: &'static Source,
}

const fn row(item: Item, regions: &'static [&'static str], usd: &str, source: &'static Source) -> Row {
    let usd = match Money::read(usd) {
        Some(usd) => usd,
        // At compile time: a price that is no number does not build.
        None => unreachable!(),
    };
    Row { item, regions, usd, source }
}

static OFFER: Source = Source {
    key: "offer",
    what: "AWS Price List, offer AmazonECS of 2026-09-11, with which the 22 rates of the calculator github.com/theuves/fgcalc were compared",
    date: "2026-09-29",
    assumed: false,
};

static REGIMES: Source = Source {
    key: "regimes",
    what: "AWS Price List, offers AmazonECS of 2026-09-11 and AmazonVPC, as noted in the public document \"AWS Fargate — pricing regimes\"",
    date: "2026-09-28",
    assumed: false,
};

static FEED: Source = Source {
    key: "feed",
    what: "the feed of Spot prices that aws.amazon.com/fargate/pricing shows, one moment of it, as noted in \"AWS Fargate — pricing regimes\"",
    date: "2026-09-28",
    assumed: false,
};

static TOKYO: Source = Source {
    key: "tokyo",
    what: "AWS Price List, usage types APN1-…, as noted in the public infrastructure documents of apointokimaru-lab/kimaru",
    date: "2026-09-06",
    assumed: false,
};

static TOKYO_LOGS: Source = Source {
    key: "tokyo-logs",
    what: "AWS Price List, usage type APN1-DataProcessing-Bytes in effect since 2026-07-01, as noted in a public quotation",
    date: "2026-07-20",
    assumed: false,
};

static SINGAPORE: Source = Source {
    key: "singapore",
    what: "AWS price catalogue for Singapore, as noted in a public plan of a deployment",
    date: "2026-09-13",
    assumed: false,
};

static IRELAND: Source = Source {
    key: "ireland",
    what: "AWS Price List, usage types EU-Fargate-… and EU-TimedStorage-ByteHrs with their SKUs, as noted in the public audit \"AUDIT-10: Containers\"",
    date: "2026-05-01",
    assumed: false,
};

static HOSTING: Source = Source {
    key: "hosting",
    what: "aws.amazon.com/cloudwatch/pricing, as noted in a public comparison of hosting",
    date: "2026-09-23",
    assumed: false,
};

static ECR: Source = Source {
    key: "ecr",
    what: "aws.amazon.com/ecr/pricing for N. Virginia as of March 2026, quoted by cloudburn.io/blog/amazon-ecr-pricing",
    date: "2026-03-31",
    assumed: false,
};

static IPV4: Source = Source {
    key: "ipv4",
    what: "AWS's charge of 0.005 an hour for every public IPv4 address in every region since 2024-02-01, as explained at community.aws/content/2c6cKl0W4KQZIO6dWnnDHs1tHSp/aws-to-charge-public-ipv4-addresses",
    date: "2024-02-08",
    assumed: false,
};

static AS_VIRGINIA: Source = Source {
    key: "as-us-east-1",
    what: "no source for this region: assumed to be as in us-east-1, whose x86 prices are the same",
    date: "2026-09-29",
    assumed: true,
};

static USUAL_SPOT: Source = Source {
    key: "usual-spot",
    what: "no snapshot of this region: assumed to be 32 % of on demand, as in us-east-1 on 2026-09-28",
    date: "2026-09-28",
    assumed: true,
};

/// What share of the price on demand Spot is where there is no snapshot: numerator and denominator, and why.
pub(crate) const SPOT_SHARE: ((u64, u64), &Source) = ((32, 100), &USUAL_SPOT);

/// Regions of the partition `aws` that have a price of x86, all but N. Virginia, Oregon, Ohio and Ireland, which share theirs.
const CHEAP: &[&str] = &["us-east-1", "us-east-2", "us-west-2", "eu-west-1"];
const CALIFORNIA: &[&str] = &["us-west-1", "eu-central-1", "eu-west-2", "ap-northeast-2"];
const PARIS: &[&str] = &["eu-west-3", "eu-south-1"];
const FAR_EAST: &[&str] = &["ap-northeast-1", "ap-southeast-1"];
const VIRGINIA: &[&str] = &["us-east-1"];
const OREGON: &[&str] = &["us-west-2"];
const DUBLIN: &[&str] = &["eu-west-1"];
const JAPAN: &[&str] = &["ap-northeast-1"];
const EVERYWHERE: &[&str] = &[
    "af-south-1",
    "ap-east-1",
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-south-1",
    "ap-southeast-1",
    "ap-southeast-2",
    "ca-central-1",
    "eu-central-1",
    "eu-north-1",
    "eu-south-1",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "me-south-1",
    "sa-east-1",
    "us-east-1",
    "us-east-2",
    "us-west-1",
    "us-west-2",
];

/// Every price that is known.
pub(crate) static PRICES: &[Row] = &[
    row(Item::Vcpu, CHEAP, "0.04048", &OFFER),
    row(Item::Memory, CHEAP, "0.004445", &OFFER),
    row(Item::Vcpu, CALIFORNIA, "0.04656", &OFFER),
    row(Item::Memory, CALIFORNIA, "0.00511", &OFFER),
    row(Item::Vcpu, FAR_EAST, "0.05056", &OFFER),
    row(Item::Memory, FAR_EAST, "0.00553", &OFFER),
    row(Item::Vcpu, PARIS, "0.0486", &OFFER),
    row(Item::Memory, PARIS, "0.0053", &OFFER),
    row(Item::Vcpu, &["eu-north-1"], "0.0445", &OFFER),
    row(Item::Memory, &["eu-north-1"], "0.0049", &OFFER),
    row(Item::Vcpu, &["ca-central-1"], "0.04456", &OFFER),
    row(Item::Memory, &["ca-central-1"], "0.004865", &OFFER),
    row(Item::Vcpu, &["sa-east-1"], "0.0696", &OFFER),
    row(Item::Memory, &["sa-east-1"], "0.0076", &OFFER),
    row(Item::Vcpu, &["af-south-1"], "0.0546", &OFFER),
    row(Item::Memory, &["af-south-1"], "0.006", &OFFER),
    row(Item::Vcpu, &["ap-southeast-2"], "0.04856", &OFFER),
    row(Item::Memory, &["ap-southeast-2"], "0.00532", &OFFER),
    row(Item::Vcpu, &["ap-south-1"], "0.04256", &OFFER),
    row(Item::Memory, &["ap-south-1"], "0.004655", &OFFER),
    row(Item::Vcpu, &["ap-east-1"], "0.0556", &OFFER),
    row(Item::Memory, &["ap-east-1"], "0.0061", &OFFER),
    row(Item::Vcpu, &["me-south-1"], "0.0526", &OFFER),
    row(Item::Memory, &["me-south-1"], "0.0058", &OFFER),
    row(Item::ArmVcpu, &["us-east-1", "eu-west-1"], "0.03238", &REGIMES),
    row(Item::ArmMemory, &["us-east-1", "eu-west-1"], "0.00356", &REGIMES),
    row(Item::ArmVcpu, OREGON, "0.03238", &AS_VIRGINIA),
    row(Item::ArmMemory, OREGON, "0.00356", &AS_VIRGINIA),
    row(Item::ArmVcpu, JAPAN, "0.04045", &TOKYO),
    row(Item::ArmMemory, JAPAN, "0.00442", &TOKYO),
    row(Item::ArmVcpu, &["ap-southeast-1"], "0.04045", &SINGAPORE),
    row(Item::ArmMemory, &["ap-southeast-1"], "0.00442", &SINGAPORE),
    row(Item::ArmVcpu, &["ap-south-1"], "0.02383", &REGIMES),
    row(Item::ArmMemory, &["ap-south-1"], "0.00261", &REGIMES),
    row(Item::SpotVcpu, VIRGINIA, "0.01288871", &FEED),
    row(Item::SpotMemory, VIRGINIA, "0.00141527", &FEED),
    row(Item::SpotArmVcpu, VIRGINIA, "0.01030969", &FEED),
    row(Item::SpotArmMemory, VIRGINIA, "0.00113349", &FEED),
    row(Item::SpotVcpu, DUBLIN, "0.01224056", &FEED),
    row(Item::SpotMemory, DUBLIN, "0.0013441", &FEED),
    row(Item::SpotArmVcpu, DUBLIN, "0.00979124", &FEED),
    row(Item::SpotArmMemory, DUBLIN, "0.00107649", &FEED),
    row(Item::Storage, VIRGINIA, "0.000111", &REGIMES),
    row(Item::Storage, OREGON, "0.000111", &AS_VIRGINIA),
    row(Item::Storage, JAPAN, "0.000133", &TOKYO),
    row(Item::Address, EVERYWHERE, "0.005", &IPV4),
    row(Item::Images, VIRGINIA, "0.10", &ECR),
    row(Item::Images, OREGON, "0.10", &AS_VIRGINIA),
    row(Item::Images, DUBLIN, "0.10", &IRELAND),
    row(Item::Images, JAPAN, "0.10", &TOKYO),
    row(Item::Logs, VIRGINIA, "0.50", &HOSTING),
    row(Item::Logs, OREGON, "0.50", &AS_VIRGINIA),
    row(Item::Logs, JAPAN, "0.76", &TOKYO_LOGS),
];
