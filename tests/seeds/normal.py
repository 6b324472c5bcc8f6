"""Makes descriptions by `aws` comparable: `normal.py ACCOUNT < JSON... > JSON`.

The account is written ACCOUNT_ID. Dates, identifiers that are drawn at random, and tags go; keys are sorted. Of a policy document,
which `aws` shows as an object, the order of lists and whether one text stands in a list do not count, as they do not for IAM.
"""

import json
import sys

ASIDE = {
    "CreateDate",
    "PolicyId",
    "ResponseMetadata",
    "RoleId",
    "RoleLastUsed",
    "Tags",
    "UpdateDate",
    "createdAt",
    "creationTime",
    "registeredAt",
    "tags",
}
DOCUMENTS = {"AssumeRolePolicyDocument", "PolicyDocument", "Document"}


def normal(value):
    if isinstance(value, dict):
        kept = {key: item for key, item in value.items() if key not in ASIDE}
        return {key: meaning(item) if key in DOCUMENTS else normal(item) for key, item in kept.items()}
    return [normal(item) for item in value] if isinstance(value, list) else value


def meaning(value):
    if isinstance(value, dict):
        return {key: meaning(item) for key, item in value.items()}
    if isinstance(value, list):
        items = sorted((meaning(item) for item in value), key=json.dumps)
        return items[0] if len(items) == 1 else items
    return value


def documents(text):
    decoder, at = json.JSONDecoder(), 0
    while text := text[at:].lstrip():
        value, at = decoder.raw_decode(text)
        yield value


text = sys.stdin.read().replace(sys.argv[1], "ACCOUNT_ID")
for each in documents(text):
    print(json.dumps(normal(each), indent=2, sort_keys=True))
