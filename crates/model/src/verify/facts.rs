//! What a look at the account found.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::kinds::security_group::Permission;

/// Whether something is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fact<T> {
    /// It is.
    There(T),
    /// It is not.
    Missing,
    /// It could not be found out, for this reason.
    Unread(String),
}

/// Everything that was found. What is not in here was not asked for.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Facts {
    /// Images by their names.
    pub images: BTreeMap<String, Image>,
    /// Roles by their ARNs.
    pub roles: BTreeMap<String, Fact<Role>>,
    /// Policies of repositories by the ARNs of these, where they have any.
    pub repository_policies: BTreeMap<String, Value>,
    /// Parameters and secrets by their ARNs as containers name them.
    pub stored: BTreeMap<String, Fact<Stored>>,
    /// Log groups by region and name.
    pub log_groups: BTreeMap<(String, String), Fact<()>>,
    /// Subnets by their ids.
    pub subnets: BTreeMap<String, Fact<Subnet>>,
    /// The names of the endpoints that each VPC has, without what all have in common: `ecr.api`. Where they matter.
    pub endpoints: BTreeMap<String, Fact<BTreeSet<String>>>,
    /// What security groups let out, by their ids or addresses; of the default groups of VPCs by the ids of these.
    pub groups: BTreeMap<String, Fact<Vec<Permission>>>,
}

/// An image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Image {
    /// It is there.
    There {
        /// For which machines it was built: `linux/arm64`; or why that could not be found out.
        platforms: Result<Vec<String>, String>,
    },
    /// The repository has no image of this tag or digest.
    Missing,
    /// The repository is of the file and there, and nothing was ever pushed to it.
    Empty,
    /// There is no such repository.
    NoRepository,
    /// The repository does not exist yet; the apply makes it, empty.
    Coming,
    /// It is in a registry that is not asked.
    Elsewhere,
    /// It could not be found out, for this reason.
    Unread(String),
}

/// A role, as it will be after an apply.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Role {
    /// Its key in the file, where it is managed there.
    pub key: Option<String>,
    /// Whom it trusts.
    pub trust: Value,
    /// Its policies, inline and attached, by name.
    pub policies: Vec<(String, Value)>,
    /// Its permissions boundary: name and document.
    pub boundary: Option<(String, Value)>,
    /// Why some of its policies are not known.
    pub unread: Vec<String>,
}

/// A parameter or a secret that is there.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Stored {
    /// Its full ARN.
    pub arn: String,
    /// The key that it is encrypted with, where it is not one of AWS: an ARN, an id, or an alias.
    pub key: Option<String>,
    /// Its own policy, where that was asked for.
    pub policy: Option<Value>,
}

/// A subnet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subnet {
    /// Its network.
    pub vpc: String,
    /// Where its route to everywhere leads.
    pub route: Route,
    /// The endpoints of its route table, such as `s3`.
    pub gateways: BTreeSet<String>,
    /// The account that shares its network with this one, which does not see the endpoints there; none where it is this account's.
    pub shared_by: Option<String>,
    /// Where other routes lead that leave the network: a transit gateway, a peering. Endpoints may be there.
    pub leads_to: Option<String>,
}

/// Where the route to everywhere leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Route {
    /// To an internet gateway.
    Internet,
    /// To a NAT gateway.
    Nat,
    /// To this, of which it cannot be told where it leads: a transit gateway, a network interface.
    Other(String),
    /// To something that is gone.
    Dead(String),
    /// There is none.
    None,
    /// It could not be found out, for this reason.
    Unread(String),
}
