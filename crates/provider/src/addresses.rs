//! Public addresses of tasks. Source: EC2 API reference, `DescribeNetworkInterfaces`.

use std::collections::BTreeMap;

use aws_sdk_ec2::types::Filter;
use hatoba_engine::cloud::CloudError;

use crate::aws::Aws;
use crate::classify::failed;
use crate::permissions::call::calls;

calls! { aside:
    DESCRIBE_NETWORK_INTERFACES: "ec2:DescribeNetworkInterfaces";
}

/// How many values a filter takes.
const VALUES: usize = 200;

/// The public IPv4 addresses of network interfaces, by the interfaces' ids. Those without one are left out, and those that are gone.
///
/// # Errors
/// When they could not be read.
pub async fn public_addresses(aws: &Aws, interfaces: &[String]) -> Result<BTreeMap<String, String>, CloudError> {
    let mut found = BTreeMap::new();
    for some in interfaces.chunks(VALUES) {
        // By a filter: an interface that is gone would be an error among ids.
        let filter = Filter::builder().name("network-interface-id").set_values(Some(some.to_vec())).build();
        let mut pages = aws.ec2().describe_network_interfaces().filters(filter).into_paginator().send();
        while let Some(page) = pages.next().await {
            let page = page.map_err(failed(&DESCRIBE_NETWORK_INTERFACES))?;
            for interface in page.network_interfaces() {
                let address = interface.association().and_then(|association| association.public_ip());
                if let (Some(id), Some(address)) = (interface.network_interface_id(), address) {
                    found.insert(id.to_owned(), address.to_owned());
                }
            }
        }
    }
    Ok(found)
}
