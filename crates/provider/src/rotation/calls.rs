//! What a plan asks, besides its survey.

use crate::permissions::call::{Form, On, calls};

use super::of_goal;

calls! {
    // No resource can be named.
    DESCRIBE_PARAMETERS: Plan "ssm:DescribeParameters"
        => Form::Stack(|whole| On::any().when(!of_goal(whole.goal, whole.facts).is_empty()));
}
