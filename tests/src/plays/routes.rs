//! The network that every region has from the start: its main route table leads to an internet gateway. (Amazon VPC User Guide,
//! "Default VPC components".) The emulators make the network without that route.

use hyper::body::Bytes;

use crate::proxy::{Call, Play, Reply};

/// The addresses of every default network.
const DEFAULT: &str = "172.31.0.0/16";

const ROUTE: &str = "<routeSet><item><destinationCidrBlock>0.0.0.0/0</destinationCidrBlock><gatewayId>igw-0a1b2c3d</gatewayId>\
                     <origin>CreateRoute</origin><state>active</state></item>";

/// Shows the route.
#[derive(Debug, Default)]
pub(super) struct Routes;

impl Play for Routes {
    fn after(&self, call: &Call, reply: &mut Reply) {
        if call.service != "ec2" || call.action != "DescribeRouteTables" || !reply.is_success() {
            return;
        }
        // The tags are the last part but ids of each table.
        let text = reply.text();
        let tables = text.split_inclusive("<tagSet").map(|table| {
            let shown = table.contains("<main>true</main>") && table.contains(DEFAULT) && !table.contains("0.0.0.0/0");
            if shown { table.replacen("<routeSet>", ROUTE, 1) } else { table.to_owned() }
        });
        reply.body = Bytes::from(tables.collect::<String>());
    }
}
