#!/bin/sh
# Shows, with the `aws` command line as witness, that stack.yaml makes what the commands of the write-ups make.
#
#   tests/seeds/witness.sh [DIRECTORY]
#
# Two accounts on one emulator: in the first the commands are typed as the texts have them, in the second `hatoba apply` runs.
# `aws` then describes both, and `diff` compares the descriptions, tags and dates aside. They stay in DIRECTORY, if one is named.
# Needs `aws`, Python 3.10 or later, and a built `hatoba` (HATOBA_BIN, or target/debug/hatoba).
set -eu

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)

# Without an emulator, run again beside one.
[ -n "${HATOBA_TEST_MINISTACK:-}" ] || exec "$root/tests/run.sh" "$here/witness.sh" "$@"

say() { printf '%s\n' "witness: $*" >&2; }
fail() { say "$*"; exit 1; }

hatoba=${HATOBA_BIN:-${CARGO_TARGET_DIR:-$root/target}/debug/hatoba}
[ -x "$hatoba" ] || fail "there is no $hatoba: build it with \`cargo build\`"
command -v aws >/dev/null || fail "\`aws\` is not installed; tests/tests/seeds.rs compares the same without it"

scratch=$(mktemp -d "${TMPDIR:-/tmp}/hatoba-witness.XXXXXX")
trap 'rm -rf "$scratch"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
out=${1:-$scratch/out}
mkdir -p "$out"
out=$(cd "$out" && pwd)
cd "$scratch"

for name in $(env | sed -n 's/^\(AWS_[A-Z0-9_]*\)=.*/\1/p'); do unset "$name"; done
export AWS_ENDPOINT_URL="$HATOBA_TEST_MINISTACK" AWS_SECRET_ACCESS_KEY=test AWS_DEFAULT_REGION=us-west-2 AWS_PAGER= \
    AWS_CONFIG_FILE=/dev/null AWS_SHARED_CREDENTIALS_FILE=/dev/null AWS_EC2_METADATA_DISABLED=true AWS_DEFAULT_OUTPUT=json

# account NUMBER: what follows happens there. On this emulator an access key of twelve digits is that account's root.
account() { export AWS_ACCESS_KEY_ID="$1"; }

# A command as the texts have it: shown, and silent unless it fails.
typed() {
    printf '$ %s\n' "$*"
    "$@" >"$scratch/output" 2>&1 || { cat "$scratch/output" >&2; fail "the command above failed"; }
}

by_hand() {
    account 123456789012
    for document in "$here"/*.json; do
        sed "s/ACCOUNT_ID/$AWS_ACCESS_KEY_ID/g" "$document" >"$scratch/${document##*/}"
    done
    power_user=arn:aws:iam::aws:policy/AmazonEC2ContainerRegistryPowerUser
    typed aws iam create-open-id-connect-provider --url https://token.actions.githubusercontent.com \
        --client-id-list sts.amazonaws.com --thumbprint-list 6938fd4d98bab03faadb97b34396831e3780aea1
    typed aws iam create-role --role-name ecsTaskExecutionRole --assume-role-policy-document file://trust-tasks.json
    typed aws iam attach-role-policy --role-name ecsTaskExecutionRole \
        --policy-arn arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy
    typed aws iam create-role --role-name papyrus-task --assume-role-policy-document file://trust-tasks.json
    typed aws iam create-role --role-name papyrus-deploy --assume-role-policy-document file://trust-main-and-tags.json
    typed aws iam attach-role-policy --role-name papyrus-deploy --policy-arn "$power_user"
    typed aws iam put-role-policy --role-name papyrus-deploy --policy-name deploy --policy-document file://deploy.json
    typed aws iam create-role --role-name GitHubActionsECRRole --assume-role-policy-document file://trust-main.json
    typed aws iam attach-role-policy --role-name GitHubActionsECRRole --policy-arn "$power_user"
    typed aws iam create-policy --policy-name ecr-push --policy-document file://push-everywhere.json
    typed aws iam attach-role-policy --role-name GitHubActionsECRRole \
        --policy-arn "arn:aws:iam::$AWS_ACCESS_KEY_ID:policy/ecr-push"
    typed aws iam create-role --role-name github-to-ecr --assume-role-policy-document file://trust-main-exact.json
    typed aws iam put-role-policy --role-name github-to-ecr --policy-name push \
        --policy-document file://push-one-repository.json
    typed aws iam create-role --role-name GitHubActionsMain --assume-role-policy-document file://trust-main.json \
        --description "deploys the main branch"
    typed aws iam put-role-policy --role-name GitHubActionsMain --policy-name UpdateECSTask \
        --policy-document file://update-tasks.json
    typed aws ecr create-repository --repository-name papyrus --image-tag-mutability MUTABLE \
        --encryption-configuration encryptionType=AES256
    typed aws ecr create-repository --repository-name papyrus-api --region us-west-2
    typed aws logs create-log-group --log-group-name /ecs/papyrus
    typed aws ecs create-cluster --cluster-name papyrus --capacity-providers FARGATE FARGATE_SPOT \
        --settings name=containerInsights,value=disabled
    typed aws ecs register-task-definition --cli-input-json file://taskdef.json
}

by_file() {
    account 210987654321
    typed "$hatoba" -f "$here/stack.yaml" apply --yes
}

# describe FILE: all that both made, as `aws` shows it.
describe() {
    arn=arn:aws:iam::$AWS_ACCESS_KEY_ID
    {
        aws iam get-open-id-connect-provider \
            --open-id-connect-provider-arn "$arn:oidc-provider/token.actions.githubusercontent.com"
        aws iam list-roles --path-prefix / --query 'sort(Roles[?Path==`/`].RoleName)'
        for role in ecsTaskExecutionRole papyrus-task papyrus-deploy GitHubActionsECRRole github-to-ecr GitHubActionsMain; do
            aws iam get-role --role-name "$role"
            aws iam list-attached-role-policies --role-name "$role" --query 'sort_by(AttachedPolicies, &PolicyName)'
            for policy in $(aws iam list-role-policies --role-name "$role" --query 'PolicyNames' --output text); do
                aws iam get-role-policy --role-name "$role" --policy-name "$policy"
            done
        done
        aws iam list-policies --scope Local
        aws iam get-policy-version --policy-arn "$arn:policy/ecr-push" --version-id v1
        aws ecr describe-repositories --query 'sort_by(repositories, &repositoryName)'
        aws logs describe-log-groups
        aws ecs describe-clusters --clusters papyrus --include SETTINGS CONFIGURATIONS ATTACHMENTS
        aws ecs describe-task-definition --task-definition papyrus
        aws ecs list-task-definitions
    } >"$scratch/described"
    python3 "$here/normal.py" "$AWS_ACCESS_KEY_ID" <"$scratch/described" >"$1"
}

by_hand
describe "$out/by-hand.json"
by_file
describe "$out/by-file.json"
diff -u "$out/by-hand.json" "$out/by-file.json" || fail "the two differ in the lines above"
say "no difference in $(grep -c : "$out/by-hand.json") fields"
