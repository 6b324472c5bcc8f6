//! What happened: an SDK error becomes a class. The one table of service error codes.

use std::error::Error;

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::{DispatchFailure, SdkError};
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use hatoba_engine::cloud::{Class, CloudError};

use crate::permissions::call::Call;

/// Turns the SDK's error of a call into the engine's. Only a call of a table has errors, so that each says what it needs.
pub fn failed<E>(call: &'static Call) -> impl Fn(SdkError<E, HttpResponse>) -> CloudError
where
    E: ProvideErrorMetadata + Error + Send + Sync + 'static,
{
    move |error| classify(call.name, &error)
}

fn classify<E>(call: &'static str, error: &SdkError<E, HttpResponse>) -> CloudError
where
    E: ProvideErrorMetadata + Error + Send + Sync + 'static,
{
    match error {
        // The answer came, so the call probably took effect; what it says cannot be read.
        SdkError::ServiceError(service) if service.raw().status().is_success() => unreadable(call, error),
        SdkError::ResponseError(response) => {
            // What is in no words of the service was said by the server before it.
            let status = response.raw().status().as_u16();
            let code = (status >= 500).then(|| format!("HTTP {status}"));
            CloudError { code, ..unreadable(call, error) }
        }
        SdkError::ServiceError(service) => {
            let meta = service.err().meta();
            let status = service.raw().status().as_u16();
            let code = meta.code().map(str::to_owned);
            let mut message =
                meta.message().map_or_else(|| format!("the service gave no reason (HTTP {status})"), str::to_owned);
            let class = class_of(call, code.as_deref().unwrap_or_default(), &message, status);
            if class == Class::Credentials && is_about_time(&message) {
                message.push_str(" (is the clock of this machine right?)");
            }
            let request_id = meta.extra("aws_request_id").map(str::to_owned);
            CloudError { class, call: call.to_owned(), code, message, request_id }
        }
        SdkError::DispatchFailure(failure) => dispatch(call, failure, never_connected(error), &chain(error)),
        SdkError::TimeoutError(_) => CloudError::new(Class::Ambiguous, call, "no answer in time"),
        SdkError::ConstructionFailure(_) => {
            let text = chain(error);
            let class = if text.contains("credential") || text.contains("identity") {
                Class::Credentials
            } else {
                Class::Invalid
            };
            CloudError::new(class, call, text)
        }
        _ => CloudError::new(Class::Other, call, chain(error)),
    }
}

fn unreadable(call: &'static str, error: &dyn Error) -> CloudError {
    CloudError::new(Class::Ambiguous, call, format!("the answer cannot be read: {}", chain(error)))
}

/// Whether a signature was refused for its time: AWS allows five minutes between its clock and ours.
fn is_about_time(message: &str) -> bool {
    ["Signature expired", "Signature not yet current", "Request has expired"].iter().any(|text| message.contains(text))
}

/// A request that came to no answer. Unless it is certain that it never left, it may have taken effect.
fn dispatch(call: &'static str, failure: &DispatchFailure, never_connected: bool, text: &str) -> CloudError {
    let says = |fragment: &str| text.to_ascii_lowercase().contains(fragment);
    let error = |class, text: String| CloudError::new(class, call, text);
    if never_connected {
        error(Class::NotSent, format!("AWS cannot be reached: {text}"))
    } else if says("no credentials found in chain") {
        // The SDK lists every place where it looked.
        let nowhere = "no AWS credentials were found: not in the environment, not in a profile, not from the machine";
        error(Class::Credentials, nowhere.to_owned())
    } else if says("credential") {
        error(Class::Credentials, format!("no valid credentials: {text}"))
    } else if says("failed to apply endpoint") {
        // The SDK's text has the whole request in it.
        let endpoint = text.split('`').nth(1).unwrap_or_default();
        error(Class::NotSent, format!("the endpoint `{endpoint}` is no URL: it must begin with http:// or https://"))
    } else if failure.is_user() {
        error(Class::NotSent, format!("the request could not be made: {text}"))
    } else if failure.is_timeout() {
        error(Class::Ambiguous, format!("no answer in time: {text}"))
    } else {
        error(Class::Ambiguous, format!("the connection broke: {text}"))
    }
}

/// Whether there was no connection that the request could have gone through.
fn never_connected(error: &dyn Error) -> bool {
    let mut cause = error.source();
    while let Some(error) = cause {
        if error.downcast_ref::<hyper_util::client::legacy::Error>().is_some_and(|error| error.is_connect()) {
            return true;
        }
        cause = error.source();
    }
    false
}

/// All causes, without the SDK's generic outer words.
fn chain(error: &dyn Error) -> String {
    let mut texts: Vec<String> = Vec::new();
    let mut cause = error.source();
    while let Some(error) = cause {
        let text = error.to_string();
        if texts.last() != Some(&text) {
            texts.push(text);
        }
        cause = error.source();
    }
    if texts.is_empty() { error.to_string() } else { texts.join(": ") }
}

/// The class of a service's answer. Codes first, then fragments of messages where a service puts
/// dozens of cases behind one code (ECS: `ClientException`, `InvalidParameterException`).
pub fn class_of(call: &str, code: &str, message: &str, status: u16) -> Class {
    let says = |fragment: &str| message.to_ascii_lowercase().contains(&fragment.to_ascii_lowercase());
    match code {
        "Throttling"
        | "ThrottlingException"
        | "ThrottledException"
        | "RequestThrottled"
        | "RequestThrottledException"
        | "TooManyRequestsException"
        | "RequestLimitExceeded"
        | "SlowDown"
        | "EC2ThrottledException"
        | "PriorRequestNotComplete"
        | "BandwidthLimitExceeded" => Class::Throttled,

        "AccessDenied"
        | "AccessDeniedException"
        | "UnauthorizedOperation"
        | "NotAuthorized"
        | "UnauthorizedException" => Class::Denied,
        "ExpiredToken"
        | "ExpiredTokenException"
        | "InvalidClientTokenId"
        | "UnrecognizedClientException"
        | "InvalidSignatureException"
        | "SignatureDoesNotMatch"
        | "AuthFailure"
        | "MissingAuthenticationToken"
        | "MissingAuthenticationTokenException"
        | "IncompleteSignature"
        | "RequestExpired"
        | "OptInRequired" => Class::Credentials,

        // What is written to, or attached, was made a moment ago; a policy of AWS is there or never will be.
        "NoSuchEntity" if is_iam_write(call) && says(":iam::aws:policy/") => Class::Invalid,
        "NoSuchEntity" if is_iam_write(call) => Class::NotYet,
        // A group that was created a moment ago is not known everywhere yet.
        "InvalidGroup.NotFound" if call.starts_with("ec2:Authorize") => Class::NotYet,
        // The scalable target was registered a moment ago.
        "ObjectNotFoundException" if call.starts_with("application-autoscaling:Put") => Class::NotYet,
        "NoSuchEntity"
        | "ObjectNotFoundException"
        | "RepositoryNotFoundException"
        | "LifecyclePolicyNotFoundException"
        | "RepositoryPolicyNotFoundException"
        | "ResourceNotFoundException"
        | "ServiceNotFoundException"
        | "ServiceNotActiveException"
        | "InvalidGroup.NotFound"
        | "InvalidPermission.NotFound"
        | "ParameterNotFound"
        | "InvalidResourceId" => Class::Gone,
        // ECS has no code for a task definition that is not there.
        "ClientException" if says("unable to describe task definition") => Class::Gone,
        // During a create the cluster was made a moment ago; otherwise it is gone.
        "ClusterNotFoundException" if call == "ecs:CreateService" => Class::NotYet,
        "ClusterNotFoundException" => Class::Gone,

        "EntityAlreadyExists"
        | "RepositoryAlreadyExistsException"
        | "ResourceAlreadyExistsException"
        | "InvalidGroup.Duplicate"
        | "ParameterAlreadyExists" => Class::Exists,
        "InvalidParameterException" | "ClientException" if says("was not idempotent") => Class::Exists,
        // CreateServiceLinkedRole, when the role is there.
        "InvalidInput" if says("has been taken in this account") => Class::Exists,

        // IAM still sees what was taken off a moment ago. If it is there to stay, waiting longer does not help.
        "DeleteConflict" => Class::NotYet,
        "DependencyViolation"
        | "ConcurrentModification"
        | "ConcurrentModificationException"
        | "EntityTemporarilyUnmodifiable"
        | "OperationAbortedException"
        | "ConflictException"
        | "ResourceInUseException"
        | "UpdateInProgressException"
        | "ClusterContainsServicesException"
        | "ClusterContainsTasksException"
        | "ClusterContainsContainerInstancesException"
        | "ClusterContainsCapacityProviderException"
        | "ConcurrentUpdateException"
        | "TooManyUpdates" => Class::Busy,
        "InvalidParameterException" | "ClientException"
            if says("still draining")
                || says("cannot be stopped while deployments are active")
                || says("was not active") =>
        {
            Class::Busy
        }

        "MalformedPolicyDocument" | "MalformedPolicyDocumentException" if says("invalid principal") => Class::NotYet,
        "InvalidParameterException" if says("invalid repository policy provided") => Class::NotYet,
        "InvalidParameterException" | "ClientException"
            if says("unable to assume")
                || says("role is not valid")
                || says("verify that the ecs service role being passed has the proper permissions")
                || says("does not have an associated load balancer")
                || says("not associated with the cluster")
                || says("cannot be assumed") =>
        {
            Class::NotYet
        }

        // So does Application Auto Scaling speak of a service that was made a moment ago, and of its own new role.
        "ValidationException"
            if call.starts_with("application-autoscaling:")
                && (says("ecs service doesn't exist") || says("unable to assume iam role")) =>
        {
            Class::NotYet
        }

        // Quotas, which the SDK's own classifier takes for throttling.
        "LimitExceeded"
        | "LimitExceededException"
        | "LimitExceededFault"
        | "TooManyTagsException"
        | "SecurityGroupLimitExceeded"
        | "RulesPerSecurityGroupLimitExceeded"
        | "ParameterLimitExceeded" => Class::Quota,

        "RequestTimeout" | "RequestTimeoutException" => Class::Ambiguous,
        _ if status == 429 => Class::Throttled,
        _ if status >= 500 => Class::Server,
        _ => Class::Invalid,
    }
}

/// Whether a call of IAM needs something that exists, so that its absence means that IAM has not caught up. Deletes, detaches and
/// removals of tags are not among them: for these, absence is success.
fn is_iam_write(call: &str) -> bool {
    ["iam:Create", "iam:Put", "iam:Attach", "iam:Update", "iam:Tag", "iam:Add"]
        .iter()
        .any(|start| call.starts_with(start))
}

/// `Ok(None)` instead of an error that says that nothing is there.
///
/// # Errors
/// Every other error.
pub fn missing_is_none<T>(result: Result<T, CloudError>) -> Result<Option<T>, CloudError> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.class == Class::Gone => Ok(None),
        Err(error) => Err(error),
    }
}

/// Success instead of an error that says that nothing is there.
///
/// # Errors
/// Every other error.
pub fn gone_is_fine<T>(result: Result<T, CloudError>) -> Result<(), CloudError> {
    missing_is_none(result).map(|_| ())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failed step of a test is a failed test")]

    use std::io::{Read, Write};
    use std::net::TcpListener;
    use std::thread;

    use aws_config::retry::RetryConfig;
    use aws_config::{BehaviorVersion, Region};
    use aws_sdk_sts::config::Credentials;
    use hatoba_engine::cloud::CloudError;

    use super::{Class, class_of, failed};
    use crate::aws::GET_CALLER_IDENTITY;

    /// Makes a call to an address of this machine.
    async fn call(port: u16) -> CloudError {
        let config = aws_config::defaults(BehaviorVersion::latest())
            .region(Region::new("us-west-2"))
            .endpoint_url(format!("http://127.0.0.1:{port}"))
            .credentials_provider(Credentials::new("123456789012", "test", None, None, "test"))
            .retry_config(RetryConfig::disabled())
            .load()
            .await;
        let answer = aws_sdk_sts::Client::new(&config).get_caller_identity().send().await;
        answer.map_err(failed(&GET_CALLER_IDENTITY)).unwrap_err()
    }

    /// A server that reads one request, writes this, and closes the connection.
    fn server(answer: &'static str) -> u16 {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = [0; 4096];
            let _ = stream.read(&mut request).unwrap();
            stream.write_all(answer.as_bytes()).unwrap();
        });
        port
    }

    #[tokio::test]
    async fn a_connection_that_breaks_leaves_it_open_whether_the_call_took_effect() {
        for answer in ["", "HTTP/1.1 200 OK\r\nContent-Le", "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n<Get"] {
            let error = call(server(answer)).await;
            assert_eq!(error.class, Class::Ambiguous, "{answer:?}: {error}");
        }
    }

    #[tokio::test]
    async fn without_a_connection_nothing_was_sent() {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let error = call(port).await;
        assert_eq!(error.class, Class::NotSent, "{error}");
    }

    #[test]
    fn what_iam_does_not_know_yet_is_waited_for_and_what_aws_does_not_have_is_not() {
        let class = |call: &str, message: &str| class_of(call, "NoSuchEntity", message, 404);
        assert_eq!(class("iam:GetRole", "The role with name app cannot be found."), Class::Gone);
        assert_eq!(
            class("iam:DetachRolePolicy", "Policy arn:aws:iam::aws:policy/ReadOnlyAccess was not found."),
            Class::Gone
        );
        assert_eq!(class("iam:PutRolePolicy", "The role with name app cannot be found."), Class::NotYet);
        let own = "Policy arn:aws:iam::123456789012:policy/own does not exist or is not attachable.";
        assert_eq!(class("iam:AttachRolePolicy", own), Class::NotYet);
        let theirs = "Policy arn:aws:iam::aws:policy/Typo does not exist or is not attachable.";
        assert_eq!(class("iam:AttachRolePolicy", theirs), Class::Invalid);
    }

    #[test]
    fn a_service_linked_role_that_is_there_exists() {
        let taken =
            "Service role name AWSServiceRoleForECS has been taken in this account, please try a different suffix.";
        assert_eq!(class_of("iam:CreateServiceLinkedRole", "InvalidInput", taken, 400), Class::Exists);
        assert_eq!(class_of("iam:CreateServiceLinkedRole", "InvalidInput", "No such service.", 400), Class::Invalid);
    }

    #[test]
    fn what_is_on_its_way_is_waited_for_for_minutes_only() {
        let ecs = |message: &str| class_of("ecs:CreateService", "InvalidParameterException", message, 400);
        for message in [
            "Unable to assume the service linked role. Please verify that the ECS service linked role exists.",
            "Unable to assume role and validate the specified targetGroupArn.",
            "The target group with targetGroupArn arn:x does not have an associated load balancer.",
        ] {
            assert_eq!(ecs(message), Class::NotYet, "{message}");
        }
        assert_eq!(ecs("Tasks of this family have no container named web."), Class::Invalid);
        let conflict =
            class_of("iam:DeleteRole", "DeleteConflict", "Cannot delete entity, must detach all policies first.", 409);
        assert_eq!(conflict, Class::NotYet);
    }
}
