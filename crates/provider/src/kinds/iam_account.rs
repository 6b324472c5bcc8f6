//! All roles, users and customer-managed policies of the account in one read, shared by the IAM kinds.

/// What `GetAccountAuthorizationDetails` and `ListRoles` tell together.
#[derive(Clone, Debug, Default)]
pub struct AccountDetails {}
