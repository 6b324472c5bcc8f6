//! A command in a task that runs. Source: ECS API reference, `ExecuteCommand`; what the Session Manager plugin takes is in its sources
//! (aws/session-manager-plugin, `session.go`).

use std::fmt;

use hatoba_engine::cloud::{Class, CloudError};
use serde_json::json;

use crate::aws::Aws;
use crate::classify::failed;
use crate::permissions::call::calls;

calls! { aside:
    EXECUTE_COMMAND: "ecs:ExecuteCommand";
}

/// A session that waits for the plugin. Whoever has its token is in the container: it is neither printed nor logged.
pub struct Session(String);

impl Session {
    /// The answer of ECS as the plugin takes it, token included.
    pub fn secret(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").finish_non_exhaustive()
    }
}

/// Opens a session with a command in a container. `ExecuteCommand` knows only interactive ones.
///
/// # Errors
/// As ECS answers.
pub async fn execute(
    aws: &Aws,
    cluster: &str,
    task: &str,
    container: &str,
    command: &str,
) -> Result<Session, CloudError> {
    let call = aws.ecs_write().execute_command().cluster(cluster).task(task).container(container);
    let call = call.command(command).interactive(true);
    let answer = call.send().await.map_err(failed(&EXECUTE_COMMAND))?;
    let session = answer.session().ok_or_else(|| {
        CloudError::new(Class::Other, EXECUTE_COMMAND.name, "ECS opened no session and gave no reason")
    })?;
    let parts = json!({
        "SessionId": session.session_id().unwrap_or_default(),
        "StreamUrl": session.stream_url().unwrap_or_default(),
        "TokenValue": session.token_value().unwrap_or_default(),
    });
    Ok(Session(parts.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_does_not_show_its_token() {
        let session = Session(json!({ "TokenValue": "hunter2" }).to_string());
        assert!(!format!("{session:?}").contains("hunter2"));
        assert!(session.secret().contains("hunter2"));
    }
}
