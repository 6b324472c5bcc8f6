//! What a plan asks besides its survey; one to destroy does not.

use crate::permissions::call::{Form, On, calls};

use super::of_goal;

calls! {
    // No resource can be named.
    DESCRIBE_PARAMETERS: Compare "ssm:DescribeParameters"
        => Form::Stack(|whole| On::any().when(!of_goal(whole.goal, whole.facts).is_empty()));
}
