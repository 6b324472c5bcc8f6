//! What a user may have besides policies, and what AWS wants gone before the user: credentials and memberships.

use std::future::Future;
use std::pin::Pin;

use hatoba_engine::cloud::CloudError;

use super::user::USER;
use crate::aws::Aws;
use crate::classify::{failed, gone_is_fine};
use crate::permissions::call::{Form, On, calls};

calls! {
    LIST_GROUPS_FOR_USER: Destroy "iam:ListGroupsForUser" => USER;
    REMOVE_USER_FROM_GROUP: Destroy "iam:RemoveUserFromGroup"
        => Form::Each(|s| On::arn(s.facts.iam_arn("group/*")));
    DELETE_LOGIN_PROFILE: Destroy "iam:DeleteLoginProfile" => USER;
    LIST_ACCESS_KEYS: Destroy "iam:ListAccessKeys" => USER;
    DELETE_ACCESS_KEY: Destroy "iam:DeleteAccessKey" => USER;
    LIST_MFA_DEVICES: Destroy "iam:ListMFADevices" => USER;
    DEACTIVATE_MFA_DEVICE: Destroy "iam:DeactivateMFADevice" => USER;
    DELETE_VIRTUAL_MFA_DEVICE: Destroy "iam:DeleteVirtualMFADevice"
        => Form::Each(|s| On::arn(s.facts.iam_arn("mfa/*")));
    LIST_SSH_PUBLIC_KEYS: Destroy "iam:ListSSHPublicKeys" => USER;
    DELETE_SSH_PUBLIC_KEY: Destroy "iam:DeleteSSHPublicKey" => USER;
    LIST_SIGNING_CERTIFICATES: Destroy "iam:ListSigningCertificates" => USER;
    DELETE_SIGNING_CERTIFICATE: Destroy "iam:DeleteSigningCertificate" => USER;
    LIST_SERVICE_SPECIFIC_CREDENTIALS: Destroy "iam:ListServiceSpecificCredentials" => USER;
    DELETE_SERVICE_SPECIFIC_CREDENTIAL: Destroy "iam:DeleteServiceSpecificCredential" => USER;
}

type Removal<'a> = Pin<Box<dyn Future<Output = Result<(), CloudError>> + Send + 'a>>;

/// Takes everything off a user, one kind after the other. A kind that may not be listed is no reason to leave the others:
/// the user may have none of it, and whether it can be deleted is AWS's to say.
///
/// # Errors
/// The first that occurred, after everything was tried.
pub(super) async fn strip(aws: &Aws, name: &str) -> Result<(), CloudError> {
    let removals: Vec<Removal<'_>> = vec![
        Box::pin(groups(aws, name)),
        Box::pin(login_profile(aws, name)),
        Box::pin(access_keys(aws, name)),
        Box::pin(mfa_devices(aws, name)),
        Box::pin(ssh_keys(aws, name)),
        Box::pin(certificates(aws, name)),
        Box::pin(service_credentials(aws, name)),
    ];
    let mut first = Ok(());
    for removal in removals {
        first = first.and(removal.await);
    }
    first
}

// The lists below are read without retries: they are part of a write, which the engine retries as a whole.

async fn groups(aws: &Aws, name: &str) -> Result<(), CloudError> {
    let iam = aws.iam_write();
    let mut pages = iam.list_groups_for_user().user_name(name).into_paginator().send();
    while let Some(page) = pages.next().await {
        for group in page.map_err(failed(&LIST_GROUPS_FOR_USER))?.groups() {
            let call = iam.remove_user_from_group().user_name(name).group_name(group.group_name());
            gone_is_fine(call.send().await.map_err(failed(&REMOVE_USER_FROM_GROUP)))?;
        }
    }
    Ok(())
}

async fn login_profile(aws: &Aws, name: &str) -> Result<(), CloudError> {
    let call = aws.iam_write().delete_login_profile().user_name(name);
    gone_is_fine(call.send().await.map_err(failed(&DELETE_LOGIN_PROFILE)))
}

async fn access_keys(aws: &Aws, name: &str) -> Result<(), CloudError> {
    let iam = aws.iam_write();
    let mut pages = iam.list_access_keys().user_name(name).into_paginator().send();
    while let Some(page) = pages.next().await {
        for key in page.map_err(failed(&LIST_ACCESS_KEYS))?.access_key_metadata() {
            let call =
                iam.delete_access_key().user_name(name).set_access_key_id(key.access_key_id().map(str::to_owned));
            gone_is_fine(call.send().await.map_err(failed(&DELETE_ACCESS_KEY)))?;
        }
    }
    Ok(())
}

async fn mfa_devices(aws: &Aws, name: &str) -> Result<(), CloudError> {
    let iam = aws.iam_write();
    let mut pages = iam.list_mfa_devices().user_name(name).into_paginator().send();
    while let Some(page) = pages.next().await {
        for device in page.map_err(failed(&LIST_MFA_DEVICES))?.mfa_devices() {
            let serial = device.serial_number();
            let call = iam.deactivate_mfa_device().user_name(name).serial_number(serial);
            let deactivated = gone_is_fine(call.send().await.map_err(failed(&DEACTIVATE_MFA_DEVICE)));
            // Only a virtual device is a resource of the account, with an ARN for a serial number. Once deactivated it is not
            // listed any more: were the answer to that lost, nobody would find it again.
            let deleted = if serial.contains(":mfa/") {
                let call = iam.delete_virtual_mfa_device().serial_number(serial);
                gone_is_fine(call.send().await.map_err(failed(&DELETE_VIRTUAL_MFA_DEVICE)))
            } else {
                Ok(())
            };
            deactivated.and(deleted)?;
        }
    }
    Ok(())
}

async fn ssh_keys(aws: &Aws, name: &str) -> Result<(), CloudError> {
    let iam = aws.iam_write();
    let mut pages = iam.list_ssh_public_keys().user_name(name).into_paginator().send();
    while let Some(page) = pages.next().await {
        for key in page.map_err(failed(&LIST_SSH_PUBLIC_KEYS))?.ssh_public_keys() {
            let call = iam.delete_ssh_public_key().user_name(name).ssh_public_key_id(key.ssh_public_key_id());
            gone_is_fine(call.send().await.map_err(failed(&DELETE_SSH_PUBLIC_KEY)))?;
        }
    }
    Ok(())
}

async fn certificates(aws: &Aws, name: &str) -> Result<(), CloudError> {
    let iam = aws.iam_write();
    let mut pages = iam.list_signing_certificates().user_name(name).into_paginator().send();
    while let Some(page) = pages.next().await {
        for certificate in page.map_err(failed(&LIST_SIGNING_CERTIFICATES))?.certificates() {
            let call = iam.delete_signing_certificate().user_name(name).certificate_id(certificate.certificate_id());
            gone_is_fine(call.send().await.map_err(failed(&DELETE_SIGNING_CERTIFICATE)))?;
        }
    }
    Ok(())
}

async fn service_credentials(aws: &Aws, name: &str) -> Result<(), CloudError> {
    let iam = aws.iam_write();
    let mut marker = None;
    loop {
        let call = iam.list_service_specific_credentials().user_name(name).set_marker(marker);
        let page = call.send().await.map_err(failed(&LIST_SERVICE_SPECIFIC_CREDENTIALS))?;
        for credential in page.service_specific_credentials() {
            let id = credential.service_specific_credential_id();
            let call = iam.delete_service_specific_credential().user_name(name).service_specific_credential_id(id);
            gone_is_fine(call.send().await.map_err(failed(&DELETE_SERVICE_SPECIFIC_CREDENTIAL)))?;
        }
        match page.marker() {
            Some(next) if page.is_truncated() => marker = Some(next.to_owned()),
            _ => return Ok(()),
        }
    }
}
