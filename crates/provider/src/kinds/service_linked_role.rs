//! The service-linked role of ECS: one for the account, needed before its first cluster. It stands in no file; it follows from
//! wanting a cluster, is ensured, and is never changed or deleted. Source: IAM API reference, `CreateServiceLinkedRole`.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use hatoba_engine::cloud::{CloudError, Depth, Receipt, Target};
use hatoba_engine::desired::{Desired, OnDestroy, Resolved};
use hatoba_engine::kind::{KindInfo, Ownership};
use hatoba_engine::snapshot::Sighting;
use hatoba_engine::value::Fields;
use hatoba_model::address::Address;

use crate::aws::Aws;
use crate::classify::failed;
use crate::desire::Desire;
use crate::driver::Driver;
use crate::permissions::call::{ANY, Call, Form, On, calls};
use crate::survey::{Found, Survey};

/// The service-linked role of ECS.
#[derive(Debug)]
pub struct ServiceLinkedRole;

/// Its key in addresses: `service_linked_role.ecs`.
pub const ECS_KEY: &str = "ecs";
/// Where IAM keeps it. The path alone tells it: the name is AWS's to choose.
pub(crate) const ECS_PATH: &str = "/aws-service-role/ecs.amazonaws.com/";

const ECS_SERVICE: &str = "ecs.amazonaws.com";
const ECS_NAME: &str = "AWSServiceRoleForECS";

calls! {
    LIST_ROLES: Apply "iam:ListRoles" => ANY;
    CREATE_SERVICE_LINKED_ROLE: Apply "iam:CreateServiceLinkedRole" => Form::Each(|s| {
    let roles = s.facts.iam_arn(format_args!("role{ECS_PATH}*"));
    On::arn(roles).given("StringEquals", "iam:AWSServiceName", ECS_SERVICE)
    });
}

static INFO: KindInfo = KindInfo {
    name: "service_linked_role",
    title: "service-linked role",
    create_call: "CreateServiceLinkedRole",
    delete_call: "DeleteServiceLinkedRole",
    fields: &[],
    groups: &[],
    ownership: Ownership::Account,
    settles: false,
    parallel: 1,
};

/// Where it stands in a stack: what clusters have to come after.
pub fn ecs_address() -> Address {
    Address::new(INFO.name, ECS_KEY)
}

impl ServiceLinkedRole {
    fn sighting(aws: &Aws) -> Sighting {
        let arn = aws.facts().iam_arn(format_args!("role{ECS_PATH}{ECS_NAME}"));
        let mut live = Sighting::new(&INFO, arn.clone(), ECS_NAME);
        live.outputs.insert("arn".into(), arn.into());
        live
    }
}

#[async_trait]
impl Driver for ServiceLinkedRole {
    fn info(&self) -> &'static KindInfo {
        &INFO
    }

    fn calls(&self) -> Vec<&'static Call> {
        CALLS.to_vec()
    }

    fn tagging_type(&self) -> Option<&'static str> {
        None
    }

    fn desired(&self, _: &Desire<'_>, _: &str) -> Option<Desired> {
        None
    }

    fn implied(&self, _: &Desire<'_>, wanted: &BTreeMap<Address, Desired>) -> Vec<Desired> {
        if !wanted.values().any(|want| want.kind.name == "cluster" && !want.existing) {
            return Vec::new();
        }
        vec![Desired {
            address: ecs_address(),
            kind: &INFO,
            name: ECS_NAME.to_owned(),
            fields: Fields::new(),
            tags: BTreeMap::new(),
            needs: BTreeSet::new(),
            scope: None,
            existing: false,
            adopt: false,
            retain: false,
            on_destroy: OnDestroy::Plain,
        }]
    }

    async fn survey(&self, cx: &Survey<'_>) -> Found {
        let wanted = cx.addresses(INFO.name);
        if wanted.is_empty() {
            return Found::default();
        }
        match cx.account().await {
            Ok(account) if account.ecs_role => Found { seen: vec![Self::sighting(cx.aws)], ..Found::default() },
            Ok(_) => Found::default(),
            Err(error) => Found::failure(wanted, error),
        }
    }

    async fn look(&self, aws: &Aws, _: &Target, _: Depth) -> Result<Vec<Sighting>, CloudError> {
        let answer = aws.iam().list_roles().path_prefix(ECS_PATH).send().await.map_err(failed(&LIST_ROLES))?;
        Ok(if answer.roles().is_empty() { Vec::new() } else { vec![Self::sighting(aws)] })
    }

    async fn create(&self, aws: &Aws, _: &Resolved) -> Result<Receipt, CloudError> {
        let call = aws.iam_write().create_service_linked_role().aws_service_name(ECS_SERVICE);
        call.send().await.map_err(failed(&CREATE_SERVICE_LINKED_ROLE))?;
        let live = Self::sighting(aws);
        Ok(Receipt { id: Some(live.id), outputs: live.outputs.into_iter().collect() })
    }

    async fn update(&self, _: &Aws, group: &'static str, _: &Resolved, _: &Sighting) -> Result<Receipt, CloudError> {
        Err(crate::driver::no_such_group(&INFO, group))
    }

    async fn delete(&self, _: &Aws, _: &Sighting, _: bool) -> Result<(), CloudError> {
        // It belongs to the account: other stacks and tools use it.
        Ok(())
    }

    async fn untag(&self, _: &Aws, _: &Sighting, _: Vec<String>) -> Result<(), CloudError> {
        Ok(())
    }
}
