//! Service principals: the names by which AWS services assume roles.

use super::document::{DocProblem, Segment};
use crate::diag::{all_nearest, did_you_mean};
use crate::region::regions;

/// First labels of service principals that exist. AWS publishes no full list, so a name that is not here is not an error
/// by itself; the list is what a mistyped name is compared with.
const KNOWN: [&str; 133] = [
    "access-analyzer",
    "acm",
    "airflow",
    "airflow-env",
    "amplify",
    "aoss",
    "apigateway",
    "appfabric",
    "appflow",
    "application-autoscaling",
    "application-insights",
    "appmesh",
    "apprunner",
    "appsync",
    "athena",
    "auditmanager",
    "autoscaling",
    "backup",
    "batch",
    "bedrock",
    "bedrock-agentcore",
    "braket",
    "budgets",
    "build.apprunner",
    "cassandra",
    "cleanrooms",
    "cloud9",
    "cloudformation",
    "cloudfront",
    "cloudtrail",
    "cloudwatch",
    "codeartifact",
    "codebuild",
    "codecommit",
    "codedeploy",
    "codepipeline",
    "cognito-identity",
    "cognito-idp",
    "config",
    "connect",
    "databrew",
    "dataexchange",
    "datapipeline",
    "datasync",
    "dax",
    "delivery.logs",
    "detective",
    "dlm",
    "dms",
    "ds",
    "dynamodb",
    "ec2",
    "ec2fleet",
    "ecr",
    "ecs",
    "ecs-tasks",
    "edgelambda",
    "eks",
    "eks-fargate-pods",
    "elasticache",
    "elasticbeanstalk",
    "elasticfilesystem",
    "elasticloadbalancing",
    "elasticmapreduce",
    "emr-containers",
    "emr-serverless",
    "es",
    "events",
    "firehose",
    "fis",
    "fms",
    "forecast",
    "fsx",
    "globalaccelerator",
    "glue",
    "grafana",
    "greengrass",
    "guardduty",
    "health",
    "healthlake",
    "imagebuilder",
    "inspector2",
    "iot",
    "ivs",
    "kafka",
    "kafkaconnect",
    "kendra",
    "kinesis",
    "kinesisanalytics",
    "kms",
    "lakeformation",
    "lambda",
    "lex",
    "lightsail",
    "logs",
    "macie",
    "mediaconvert",
    "mediapackage",
    "memorydb",
    "monitoring",
    "mq",
    "opensearchservice",
    "opsworks",
    "organizations",
    "osis",
    "pipes",
    "pods.eks",
    "ram",
    "rds",
    "redshift",
    "rekognition",
    "replicator.lambda",
    "rolesanywhere",
    "route53",
    "s3",
    "sagemaker",
    "scheduler",
    "secretsmanager",
    "securityhub",
    "serverlessrepo",
    "servicecatalog",
    "servicediscovery",
    "ses",
    "shield",
    "sns",
    "spotfleet",
    "sqs",
    "ssm",
    "states",
    "streams.metrics.cloudwatch",
    "tasks.apprunner",
    "transfer",
    "vpc-flow-logs",
];

/// Domains that stand behind a service's name.
const DOMAINS: [&str; 2] = ["amazonaws.com", "amazonaws.com.cn"];

/// Names shorter than this differ so little from each other (`ecs`, `eks`, `ec2`) that nearness proves nothing.
const LONG_ENOUGH: usize = 6;

/// A service principal, or nothing for what is none: `ecs-tasks` of `ecs-tasks.amazonaws.com`.
/// A region between the two is left out: `logs.us-west-2.amazonaws.com` is `logs`.
fn service_of(text: &str) -> Option<String> {
    let name = DOMAINS.iter().find_map(|domain| text.strip_suffix(domain)?.strip_suffix('.'))?;
    let labels: Vec<&str> = name.split('.').filter(|label| !regions().any(|region| region == *label)).collect();
    if labels.is_empty() || labels.iter().any(|label| label.is_empty()) { None } else { Some(labels.join(".")) }
}

/// Whether a text is the principal of a service that this list knows.
pub fn is_known(text: &str) -> bool {
    service_of(text).is_some_and(|service| KNOWN.contains(&service.as_str()))
}

/// Reports a service principal that does not exist, as far as that can be known. Where only nearness speaks against a
/// short name, it is a warning.
pub fn check_service(pointer: &[Segment], text: &str) -> Option<DocProblem> {
    let code = "policy-service";
    let refuse = |help: String| {
        Some(DocProblem::error(pointer, code, format!("`{text}` is not a service principal")).help(help))
    };
    if text.contains(['*', '?']) {
        return refuse("a service cannot be a pattern; name it, such as `ecs-tasks.amazonaws.com`".to_owned());
    }
    let Some(service) = service_of(text) else {
        let whole: Vec<String> = KNOWN.iter().map(|known| format!("{known}.amazonaws.com")).collect();
        let stem = text.split(['.', ':', '/']).next().unwrap_or_default();
        let by_stem = KNOWN.contains(&stem).then(|| format!("did you mean `{stem}.amazonaws.com`?"));
        let help = by_stem.or_else(|| did_you_mean(text, whole.iter().map(String::as_str)));
        return refuse(help.unwrap_or_else(|| "a service principal looks like `ecs-tasks.amazonaws.com`".to_owned()));
    };
    if KNOWN.contains(&service.as_str()) {
        return None;
    }
    // Services are many, and new ones come: only one or two letters are a slip.
    let slip = |known: &&str| strsim::damerau_levenshtein(known, &service) <= 2;
    let near: Vec<&str> = all_nearest(&service, KNOWN).into_iter().filter(slip).collect();
    let domain = if text.ends_with(".cn") { DOMAINS[1] } else { DOMAINS[0] };
    let names: Vec<String> = near.iter().take(3).map(|known| format!("`{known}.{domain}`")).collect();
    let help = format!("did you mean {}?", names.join(" or "));
    if near.is_empty() {
        None
    } else if service.len() >= LONG_ENOUGH {
        refuse(help)
    } else {
        let message = format!("`{text}` is not a service principal known here");
        Some(DocProblem::warning(pointer, code, message).help(help))
    }
}

#[cfg(test)]
mod tests {
    use super::{KNOWN, check_service, is_known};
    use crate::iam::Severity;

    fn found(text: &str) -> Option<(Severity, String)> {
        check_service(&[], text).map(|p| (p.severity, p.help.unwrap_or_default()))
    }

    #[test]
    fn every_known_service_passes_and_is_listed_once_in_order() {
        for service in KNOWN {
            assert_eq!(found(&format!("{service}.amazonaws.com")), None);
        }
        assert!(KNOWN.is_sorted());
        assert!(is_known("logs.us-west-2.amazonaws.com") && is_known("ec2.amazonaws.com.cn"));
    }

    #[test]
    fn typos_are_answered_with_the_service() {
        let cases = [
            ("ecs-task.amazonaws.com", "did you mean `ecs-tasks.amazonaws.com`?"),
            ("ecs-taskss.amazonaws.com", "did you mean `ecs-tasks.amazonaws.com`?"),
            ("ecs-tasks.amazon.com", "did you mean `ecs-tasks.amazonaws.com`?"),
            ("ecs-tasks", "did you mean `ecs-tasks.amazonaws.com`?"),
            ("lamda.amazonws.com", "did you mean `lambda.amazonaws.com`?"),
            ("arn:aws:iam::123456789012:root", "looks like `ecs-tasks.amazonaws.com`"),
            ("*", "cannot be a pattern"),
        ];
        for (text, expected) in cases {
            let (severity, help) = found(text).unwrap_or((Severity::Warning, String::new()));
            assert!(severity == Severity::Error && help.contains(expected), "{text}: {help}");
        }
    }

    #[test]
    fn a_short_or_unknown_name_is_never_refused() {
        assert_eq!(found("some-new-service.amazonaws.com"), None);
        assert_eq!(found("evs.amazonaws.com").map(|(severity, _)| severity), Some(Severity::Warning));
    }
}
