//! The AWS services spoken here: how each puts the action on the wire.

/// How a service's requests and errors look on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wire {
    /// AWS JSON 1.0 or 1.1: the action in `X-Amz-Target`, JSON bodies.
    Json,
    /// AWS query protocol: the action in a form body, XML answers with `ErrorResponse`.
    Query,
    /// EC2's variant of the query protocol: flattened lists, XML answers with `Response/Errors`.
    Ec2,
    /// Anything else: the action is shown as method and path.
    Rest,
}

/// One service.
#[derive(Clone, Copy, Debug)]
pub struct Service {
    /// The name in the credential scope of a signature, which is also the name used in rules and logs.
    pub name: &'static str,
    /// How it speaks.
    pub wire: Wire,
    /// JSON: the part of `X-Amz-Target` before the dot. Query: the API version.
    pub api: &'static str,
}

/// Every service that a test may call.
pub const SERVICES: &[Service] = &[
    Service { name: "application-autoscaling", wire: Wire::Json, api: "AnyScaleFrontendService" },
    Service { name: "ec2", wire: Wire::Ec2, api: "2016-11-15" },
    Service { name: "ecr", wire: Wire::Json, api: "AmazonEC2ContainerRegistry_V20150921" },
    Service { name: "ecs", wire: Wire::Json, api: "AmazonEC2ContainerServiceV20141113" },
    Service { name: "iam", wire: Wire::Query, api: "2010-05-08" },
    Service { name: "logs", wire: Wire::Json, api: "Logs_20140328" },
    Service { name: "secretsmanager", wire: Wire::Json, api: "secretsmanager" },
    Service { name: "ssm", wire: Wire::Json, api: "AmazonSSM" },
    Service { name: "sts", wire: Wire::Query, api: "2011-06-15" },
    Service { name: "tagging", wire: Wire::Json, api: "ResourceGroupsTaggingAPI_20170126" },
];

/// Finds a service by its name in the credential scope.
pub fn by_name(name: &str) -> Option<&'static Service> {
    SERVICES.iter().find(|service| service.name == name)
}

/// Finds a service by its `X-Amz-Target` prefix or its query API version.
pub fn by_api(api: &str) -> Option<&'static Service> {
    SERVICES.iter().find(|service| service.api == api)
}
