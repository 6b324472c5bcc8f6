//! OpenID Connect providers of IAM. Source: IAM API reference. An account has one for each issuer, whoever made it.

use async_trait::async_trait;
use aws_sdk_iam::operation::get_open_id_connect_provider::GetOpenIdConnectProviderOutput;
use futures::stream::{self, StreamExt};
use hatoba_engine::cloud::{CloudError, Depth, Receipt, Target};
use hatoba_engine::desired::{Desired, Resolved};
use hatoba_engine::kind::{Field, Group, KindInfo, Ownership};
use hatoba_engine::snapshot::{ReadFailure, Sighting};
use hatoba_engine::value::Value;
use hatoba_model::facts::Facts;
use hatoba_model::kinds::oidc_provider::{host_and_path, is_github};

use super::iam_account::Trusting;
use super::iam_shared::{tags_from, tags_to};
use crate::aws::Aws;
use crate::classify::{failed, gone_is_fine, missing_is_none};
use crate::desire::Desire;
use crate::driver::Driver;
use crate::permissions::call::{ALWAYS, Call, Form, On, Subject, calls};
use crate::survey::{Found, Survey};
use crate::tags;

/// OpenID Connect providers.
#[derive(Debug)]
pub struct OidcProvider;

/// How many providers are read at once.
const READS: usize = 16;

const CLIENT_ID: &str = "AddClientIDToOpenIDConnectProvider";
const THUMBPRINT: &str = "UpdateOpenIDConnectProviderThumbprint";
const TAGS: &str = "TagOpenIDConnectProvider";

calls! {
    LIST_OPEN_ID_CONNECT_PROVIDERS: Plan "iam:ListOpenIDConnectProviders" => ALWAYS;
    // An account has few of them, and only a read tells whose each is.
    GET_OPEN_ID_CONNECT_PROVIDER: Plan "iam:GetOpenIDConnectProvider"
        => Form::Stack(|whole| On::arn(whole.facts.iam_arn("oidc-provider/*")));
    CREATE_OPEN_ID_CONNECT_PROVIDER: Apply "iam:CreateOpenIDConnectProvider"
        => PROVIDER,
        "iam:TagOpenIDConnectProvider" => PROVIDER;
    ADD_CLIENT_ID_TO_OPEN_ID_CONNECT_PROVIDER: Apply "iam:AddClientIDToOpenIDConnectProvider"
        => Form::Each(|s| provider(s).when(s.has("client_ids")));
    UPDATE_OPEN_ID_CONNECT_PROVIDER_THUMBPRINT: Apply "iam:UpdateOpenIDConnectProviderThumbprint"
        => Form::Each(|s| provider(s).when(s.has("thumbprints")));
    TAG_OPEN_ID_CONNECT_PROVIDER: Apply "iam:TagOpenIDConnectProvider" => PROVIDER;
    UNTAG_OPEN_ID_CONNECT_PROVIDER: Change "iam:UntagOpenIDConnectProvider"
        => Form::Each(|s| provider(s).when(s.untags()));
    DELETE_OPEN_ID_CONNECT_PROVIDER: Destroy "iam:DeleteOpenIDConnectProvider" => PROVIDER;
}

const PROVIDER: Form = Form::Each(provider);

fn provider(s: &Subject<'_>) -> On {
    On::arn(arn_of(s.name, s.facts))
}

static INFO: KindInfo = KindInfo {
    name: "oidc_provider",
    title: "OIDC provider",
    create_call: "CreateOpenIDConnectProvider",
    delete_call: "DeleteOpenIDConnectProvider",
    fields: &[
        Field::replace("url"),
        // Audiences that others need stay.
        Field::update("client_ids", CLIENT_ID).includes().unmanaged(),
        // AWS fills them in when they are not given.
        Field::update("thumbprints", THUMBPRINT).unmanaged(),
        Field::update("tags", TAGS),
    ],
    groups: &[Group::new(CLIENT_ID), Group::new(THUMBPRINT), Group::new(TAGS)],
    ownership: Ownership::Shared,
    settles: false,
    parallel: 4,
};

/// The issuer in normal form: `https://`, the host in small letters, the path as it is.
fn normal_url(url: &str) -> String {
    let rest = host_and_path(url).trim_end_matches('/');
    let (host, path) = rest.find('/').map_or((rest, ""), |slash| rest.split_at(slash));
    format!("https://{}{path}", host.to_ascii_lowercase())
}

/// Thumbprints in normal form: a set in small letters.
fn normal_thumbprints(thumbprints: &[String]) -> Value {
    Value::set(thumbprints.iter().map(|print| print.to_ascii_lowercase()))
}

fn arn_of(url: &str, facts: &Facts) -> String {
    facts.iam_arn(format_args!("oidc-provider/{}", host_and_path(url)))
}

impl OidcProvider {
    /// The normal form of what a read returned. Its name is the issuer without `https://`, which is how its ARN ends.
    fn live(arn: &str, answer: &GetOpenIdConnectProviderOutput, trusting: &[Trusting]) -> Sighting {
        let from_arn = arn.split_once(":oidc-provider/").map_or(arn, |(_, name)| name);
        let url = normal_url(answer.url().unwrap_or(from_arn));
        let name = host_and_path(&url).to_owned();
        let mut live = Sighting::new(&INFO, arn, &name);
        live.outputs.insert("arn".into(), arn.into());
        live.outputs.insert("name".into(), name.as_str().into());
        live.outputs.insert("url".into(), url.as_str().into());
        live.fields.insert("url".into(), url.into());
        live.fields.insert("client_ids".into(), Value::set(answer.client_id_list()));
        live.fields.insert("thumbprints".into(), normal_thumbprints(answer.thumbprint_list()));
        live.set_tags(tags_from(answer.tags()));
        live.held_by = trusting
            .iter()
            .filter(|role| role.providers.iter().any(|provider| provider.eq_ignore_ascii_case(arn)))
            .map(|role| format!("role `{}`", role.role))
            .collect();
        live.held_by.sort();
        live
    }

    async fn get(aws: &Aws, arn: &str) -> Result<Option<GetOpenIdConnectProviderOutput>, CloudError> {
        let call = aws.iam().get_open_id_connect_provider().open_id_connect_provider_arn(arn);
        missing_is_none(call.send().await.map_err(failed(&GET_OPEN_ID_CONNECT_PROVIDER)))
    }

    async fn list(aws: &Aws) -> Result<Vec<String>, CloudError> {
        let answer = aws.iam().list_open_id_connect_providers().send().await;
        let answer = answer.map_err(failed(&LIST_OPEN_ID_CONNECT_PROVIDERS))?;
        Ok(answer.open_id_connect_provider_list().iter().filter_map(|entry| entry.arn().map(str::to_owned)).collect())
    }
}

#[async_trait]
impl Driver for OidcProvider {
    fn info(&self) -> &'static KindInfo {
        &INFO
    }

    fn calls(&self) -> Vec<&'static Call> {
        CALLS.to_vec()
    }

    fn tagging_type(&self) -> Option<&'static str> {
        None
    }

    fn desired(&self, cx: &Desire<'_>, key: &str) -> Option<Desired> {
        let spec = cx.stack.oidc_providers.get(key)?;
        let url = spec.url.as_deref().map(normal_url);
        let clients = spec.wanted_client_ids(cx.facts.partition());
        // AWS does not use those of GitHub, and they change now and then: they only serve when the provider is created.
        let github = url.as_deref().is_some_and(|url| is_github(host_and_path(url)));
        let thumbprints = (!spec.thumbprints.is_empty()).then(|| {
            let thumbprints = normal_thumbprints(&spec.thumbprints);
            if github { Value::Keep(Box::new(thumbprints)) } else { thumbprints }
        });
        let wish = cx
            .wish(&INFO, key, spec)
            .global(cx.facts)
            .set("url", url)
            .set("client_ids", (!clients.is_empty()).then(|| Value::set(clients)))
            .set("thumbprints", thumbprints);
        Some(wish.done())
    }

    async fn survey(&self, cx: &Survey<'_>) -> Found {
        let wanted = cx.wanted(INFO.name);
        let (listed, account) = futures::join!(Self::list(cx.aws), cx.account());
        let listed = match listed {
            Ok(listed) => listed,
            Err(error) => return Found::failure(cx.addresses(INFO.name), error),
        };
        // An account has few of them, usually one; only a read tells whose each is.
        let mut reads = Vec::new();
        for arn in listed {
            reads.push(async move {
                let answer = Self::get(cx.aws, &arn).await;
                (arn, answer)
            });
        }
        let read: Vec<_> = stream::iter(reads).buffered(READS).collect().await;
        let mut found = Found::default();
        for (arn, answer) in read {
            let want = wanted.iter().find(|want| arn_of(&want.name, cx.aws.facts()).eq_ignore_ascii_case(&arn));
            let addresses = || want.map(|want| want.address.clone()).into_iter().collect();
            let answer = match answer {
                Ok(Some(answer)) => answer,
                Ok(None) => continue,
                Err(error) => {
                    found.failures.push(ReadFailure { addresses: addresses(), error });
                    continue;
                }
            };
            let trusting = account.as_ref().map_or(&[][..], |account| &account.trusting);
            let live = Self::live(&arn, &answer, trusting);
            let ours = cx.goal.has_marked(&live);
            if !ours && want.is_none() {
                continue;
            }
            match account {
                // Who else trusts it is unknown, and it might be deleted.
                Err(ref error) if ours => {
                    found.failures.push(ReadFailure { addresses: addresses(), error: error.clone() })
                }
                _ => found.seen.push(live),
            }
        }
        found
    }

    async fn look(&self, aws: &Aws, target: &Target, _: Depth) -> Result<Vec<Sighting>, CloudError> {
        let arn = target.id.clone().unwrap_or_else(|| arn_of(&target.name, aws.facts()));
        let answer = Self::get(aws, &arn).await?;
        Ok(answer.map(|answer| Self::live(&arn, &answer, &[])).into_iter().collect())
    }

    async fn create(&self, aws: &Aws, want: &Resolved) -> Result<Receipt, CloudError> {
        let url = want.text("url").unwrap_or_default().to_owned();
        let thumbprints = want.texts("thumbprints");
        let answer = aws
            .iam_write()
            .create_open_id_connect_provider()
            .url(&url)
            .set_client_id_list(Some(want.texts("client_ids")))
            .set_thumbprint_list((!thumbprints.is_empty()).then_some(thumbprints))
            .set_tags(tags_to(want.tags())?)
            .send()
            .await
            .map_err(failed(&CREATE_OPEN_ID_CONNECT_PROVIDER))?;
        let arn = answer.open_id_connect_provider_arn.unwrap_or_else(|| arn_of(&url, aws.facts()));
        Ok(Receipt {
            id: Some(arn.clone()),
            outputs: vec![
                ("arn".into(), arn.into()),
                ("name".into(), Value::text(&want.name)),
                ("url".into(), url.into()),
            ],
        })
    }

    async fn update(
        &self,
        aws: &Aws,
        group: &'static str,
        want: &Resolved,
        live: &Sighting,
    ) -> Result<Receipt, CloudError> {
        let iam = aws.iam_write();
        let arn = &live.id;
        match group {
            CLIENT_ID => {
                let there = live.fields.get("client_ids").map(Value::list_texts).unwrap_or_default();
                for id in want.texts("client_ids").into_iter().filter(|id| !there.contains(id)) {
                    let call =
                        iam.add_client_id_to_open_id_connect_provider().open_id_connect_provider_arn(arn).client_id(id);
                    call.send().await.map_err(failed(&ADD_CLIENT_ID_TO_OPEN_ID_CONNECT_PROVIDER))?;
                }
            }
            THUMBPRINT => {
                let prints = want.texts("thumbprints");
                iam.update_open_id_connect_provider_thumbprint()
                    .open_id_connect_provider_arn(arn)
                    .set_thumbprint_list(Some(prints))
                    .send()
                    .await
                    .map_err(failed(&UPDATE_OPEN_ID_CONNECT_PROVIDER_THUMBPRINT))?;
            }
            TAGS => {
                let change = tags::change(&want.tags(), live);
                if let Some(set) = tags_to(change.set)? {
                    let call = iam.tag_open_id_connect_provider().open_id_connect_provider_arn(arn).set_tags(Some(set));
                    call.send().await.map_err(failed(&TAG_OPEN_ID_CONNECT_PROVIDER))?;
                }
                if !change.remove.is_empty() {
                    self.untag(aws, live, change.remove).await?;
                }
            }
            other => return Err(crate::driver::no_such_group(&INFO, other)),
        }
        Ok(Receipt::default())
    }

    async fn delete(&self, aws: &Aws, live: &Sighting, _: bool) -> Result<(), CloudError> {
        let call = aws.iam_write().delete_open_id_connect_provider().open_id_connect_provider_arn(&live.id);
        gone_is_fine(call.send().await.map_err(failed(&DELETE_OPEN_ID_CONNECT_PROVIDER)))
    }

    async fn untag(&self, aws: &Aws, live: &Sighting, keys: Vec<String>) -> Result<(), CloudError> {
        let call = aws
            .iam_write()
            .untag_open_id_connect_provider()
            .open_id_connect_provider_arn(&live.id)
            .set_tag_keys(Some(keys));
        gone_is_fine(call.send().await.map_err(failed(&UNTAG_OPEN_ID_CONNECT_PROVIDER)))
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_iam::operation::get_open_id_connect_provider::GetOpenIdConnectProviderOutput;

    use super::{OidcProvider, Trusting, Value, normal_url};

    const ARN: &str = "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com";

    #[test]
    fn the_issuer_is_the_same_with_and_without_its_scheme() {
        let url = "https://token.actions.githubusercontent.com/acme";
        for same in
            ["token.actions.githubusercontent.com/acme", "https://Token.Actions.githubusercontent.com/acme/", url]
        {
            assert_eq!(normal_url(same), url);
        }
        assert_ne!(normal_url("token.actions.githubusercontent.com/ACME"), url);
    }

    #[test]
    fn a_read_is_named_like_the_wish() {
        let answer = GetOpenIdConnectProviderOutput::builder()
            .url("token.actions.githubusercontent.com")
            .client_id_list("sts.amazonaws.com")
            .thumbprint_list("6938FD4D98BAB03FAADB97B34396831E3780AEA1")
            .build();
        let others = [
            Trusting { role: "theirs".into(), providers: vec![ARN.into()] },
            Trusting { role: "elsewhere".into(), providers: vec![format!("{ARN}/acme")] },
        ];
        let live = OidcProvider::live(ARN, &answer, &others);
        assert_eq!(live.name, "token.actions.githubusercontent.com");
        assert_eq!(live.fields["url"], Value::text("https://token.actions.githubusercontent.com"));
        assert_eq!(live.fields["thumbprints"], Value::set(["6938fd4d98bab03faadb97b34396831e3780aea1"]));
        assert_eq!(live.held_by, ["role `theirs`"]);
    }
}
