//! The AWS regions, and the partitions they belong to.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, de};

use crate::diag::did_you_mean;

/// A partition: a part of AWS with its own accounts, ARNs and domain.
struct Partition {
    id: &'static str,
    dns_suffix: &'static str,
    /// What the names of its regions start with. Where one partition's prefixes contain another's, the longer one is listed first.
    prefixes: &'static [&'static str],
    regions: &'static [&'static str],
}

// From botocore's `partitions.json` and `endpoints.json` (1.43). The patterns there accept names that do not exist, hence the lists.
const PARTITIONS: [Partition; 8] = [
    Partition {
        id: "aws-us-gov",
        dns_suffix: "amazonaws.com",
        prefixes: &["us-gov-"],
        regions: &["us-gov-east-1", "us-gov-west-1"],
    },
    Partition {
        id: "aws-iso",
        dns_suffix: "c2s.ic.gov",
        prefixes: &["us-iso-"],
        regions: &["us-iso-east-1", "us-iso-west-1"],
    },
    Partition {
        id: "aws-iso-b",
        dns_suffix: "sc2s.sgov.gov",
        prefixes: &["us-isob-"],
        regions: &["us-isob-east-1", "us-isob-west-1"],
    },
    Partition {
        id: "aws-iso-f",
        dns_suffix: "csp.hci.ic.gov",
        prefixes: &["us-isof-"],
        regions: &["us-isof-east-1", "us-isof-south-1"],
    },
    Partition { id: "aws-iso-e", dns_suffix: "cloud.adc-e.uk", prefixes: &["eu-isoe-"], regions: &["eu-isoe-west-1"] },
    Partition {
        id: "aws-cn",
        dns_suffix: "amazonaws.com.cn",
        prefixes: &["cn-"],
        regions: &["cn-north-1", "cn-northwest-1"],
    },
    Partition { id: "aws-eusc", dns_suffix: "amazonaws.eu", prefixes: &["eusc-de-"], regions: &["eusc-de-east-1"] },
    Partition {
        id: "aws",
        dns_suffix: "amazonaws.com",
        prefixes: &["us-", "eu-", "ap-", "sa-", "ca-", "me-", "af-", "il-", "mx-"],
        regions: &[
            "af-south-1",
            "ap-east-1",
            "ap-east-2",
            "ap-northeast-1",
            "ap-northeast-2",
            "ap-northeast-3",
            "ap-south-1",
            "ap-south-2",
            "ap-southeast-1",
            "ap-southeast-2",
            "ap-southeast-3",
            "ap-southeast-4",
            "ap-southeast-5",
            "ap-southeast-6",
            "ap-southeast-7",
            "ca-central-1",
            "ca-west-1",
            "eu-central-1",
            "eu-central-2",
            "eu-north-1",
            "eu-south-1",
            "eu-south-2",
            "eu-west-1",
            "eu-west-2",
            "eu-west-3",
            "il-central-1",
            "me-central-1",
            "me-south-1",
            "mx-central-1",
            "sa-east-1",
            "us-east-1",
            "us-east-2",
            "us-west-1",
            "us-west-2",
        ],
    },
];

/// Cities by which people know a region.
const CITIES: [(&str, &str); 16] = [
    ("frankfurt", "eu-central-1"),
    ("ireland", "eu-west-1"),
    ("london", "eu-west-2"),
    ("mumbai", "ap-south-1"),
    ("n. virginia", "us-east-1"),
    ("ohio", "us-east-2"),
    ("oregon", "us-west-2"),
    ("osaka", "ap-northeast-3"),
    ("paris", "eu-west-3"),
    ("sao paulo", "sa-east-1"),
    ("seoul", "ap-northeast-2"),
    ("singapore", "ap-southeast-1"),
    ("stockholm", "eu-north-1"),
    ("sydney", "ap-southeast-2"),
    ("tokyo", "ap-northeast-1"),
    ("virginia", "us-east-1"),
];

/// Every known region, of all partitions.
pub fn regions() -> impl Iterator<Item = &'static str> {
    PARTITIONS.iter().rev().flat_map(|partition| partition.regions.iter().copied())
}

/// Whether `id` is a partition: `aws`, `aws-cn`, …
pub fn is_partition(id: &str) -> bool {
    PARTITIONS.iter().any(|partition| partition.id == id)
}

/// The domain of a partition's services: `amazonaws.com`, `amazonaws.com.cn`, … Nothing for an unknown partition.
pub fn dns_suffix(partition: &str) -> Option<&'static str> {
    PARTITIONS.iter().find(|known| known.id == partition).map(|known| known.dns_suffix)
}

/// The name of an AWS region that exists.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(into = "String")]
pub struct Region {
    name: &'static str,
    partition: usize,
}

impl Region {
    /// The name: `us-west-2`.
    pub fn as_str(&self) -> &str {
        self.name
    }

    /// The partition of its ARNs: `aws`, `aws-cn`, `aws-us-gov`, …
    pub fn partition(&self) -> &'static str {
        PARTITIONS[self.partition].id
    }

    /// The domain of its services: `amazonaws.com`, in China `amazonaws.com.cn`.
    pub fn dns_suffix(&self) -> &'static str {
        PARTITIONS[self.partition].dns_suffix
    }
}

/// Why a text is not a region.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RegionError {
    /// No region has this name.
    #[error("`{name}` is not an AWS region{}", hint(.help))]
    Unknown {
        /// The text.
        name: String,
        /// The nearest region, or what a region looks like.
        help: String,
    },
    /// A zone was given.
    #[error("`{zone}` is an availability zone; its region is `{region}`")]
    Zone {
        /// The text.
        zone: String,
        /// The region of the zone.
        region: &'static str,
    },
}

fn hint(help: &str) -> String {
    format!("; {help}")
}

impl FromStr for Region {
    type Err = RegionError;

    fn from_str(text: &str) -> Result<Self, RegionError> {
        for (partition, known) in PARTITIONS.iter().enumerate() {
            if let Some(name) = known.regions.iter().copied().find(|name| *name == text) {
                return Ok(Self { name, partition });
            }
        }
        let lower = text.trim().to_lowercase();
        let zone_of = |region: &&str| {
            lower
                .strip_prefix(*region)
                .is_some_and(|rest| rest.len() == 1 && rest.bytes().all(|b| b.is_ascii_lowercase()))
        };
        if let Some(region) = regions().find(zone_of) {
            return Err(RegionError::Zone { zone: text.to_owned(), region });
        }
        let city =
            CITIES.iter().find(|(city, _)| *city == lower).map(|(_, region)| format!("did you mean `{region}`?"));
        let help = city.or_else(|| did_you_mean(&lower, regions())).unwrap_or_else(|| {
            let shaped = PARTITIONS.iter().any(|p| p.prefixes.iter().any(|prefix| lower.starts_with(prefix)));
            if shaped {
                "it looks like one, but no region of that name exists".to_owned()
            } else {
                "a region looks like `us-west-2`".to_owned()
            }
        });
        Err(RegionError::Unknown { name: text.to_owned(), help })
    }
}

// By hand, because serde would want to borrow the name for ever.
impl<'de> Deserialize<'de> for Region {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

impl TryFrom<String> for Region {
    type Error = RegionError;

    fn try_from(text: String) -> Result<Self, RegionError> {
        text.parse()
    }
}

impl From<Region> for String {
    fn from(region: Region) -> Self {
        region.name.to_owned()
    }
}

impl AsRef<str> for Region {
    fn as_ref(&self) -> &str {
        self.name
    }
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name)
    }
}

impl JsonSchema for Region {
    fn schema_name() -> Cow<'static, str> {
        "Region".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let names: Vec<&str> = regions().collect();
        json_schema!({
            "type": "string",
            "description": "An AWS region, such as us-west-2.",
            "enum": names
        })
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

    use super::{Region, dns_suffix, is_partition, regions};

    fn message(text: &str) -> String {
        text.parse::<Region>().unwrap_err().to_string()
    }

    #[test]
    fn every_listed_region_parses_and_starts_as_its_partition_says() {
        for name in regions() {
            let region: Region = name.parse().unwrap();
            assert_eq!(region.to_string(), name);
            let first =
                super::PARTITIONS.iter().find(|p| p.prefixes.iter().any(|prefix| name.starts_with(prefix))).unwrap();
            assert_eq!(first.id, region.partition(), "{name}");
        }
        assert_eq!(regions().filter(|name| name.parse::<Region>().unwrap().partition() == "aws").count(), 34);
    }

    #[test]
    fn partitions_have_their_domains() {
        let china: Region = "cn-north-1".parse().unwrap();
        assert_eq!((china.partition(), china.dns_suffix()), ("aws-cn", "amazonaws.com.cn"));
        let gov: Region = "us-gov-west-1".parse().unwrap();
        assert_eq!((gov.partition(), gov.dns_suffix()), ("aws-us-gov", "amazonaws.com"));
        assert!(is_partition("aws-iso-e") && !is_partition("aws-iso-x"));
        assert_eq!(dns_suffix("aws-eusc"), Some("amazonaws.eu"));
    }

    #[test]
    fn a_typo_is_answered_with_the_nearest_region() {
        assert_eq!(message("ap-northeadt-1"), "`ap-northeadt-1` is not an AWS region; did you mean `ap-northeast-1`?");
        assert_eq!(message("US-WEST-2"), "`US-WEST-2` is not an AWS region; did you mean `us-west-2`?");
        assert_eq!(message("tokyo"), "`tokyo` is not an AWS region; did you mean `ap-northeast-1`?");
        assert_eq!(message("us-west-2a"), "`us-west-2a` is an availability zone; its region is `us-west-2`");
        assert_eq!(message("us-west-3"), "`us-west-3` is not an AWS region; did you mean `us-west-1` or `us-west-2`?");
        assert_eq!(message("the moon"), "`the moon` is not an AWS region; a region looks like `us-west-2`");
    }

    #[test]
    fn serde_reads_and_writes_the_name() {
        let region: Region = serde_json::from_str("\"eu-west-1\"").unwrap();
        assert_eq!(serde_json::to_string(&region).unwrap(), "\"eu-west-1\"");
        assert!(serde_json::from_str::<Region>("\"eu-west-9\"").is_err());
    }
}
