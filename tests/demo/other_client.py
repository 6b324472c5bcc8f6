"""Somebody else with access to the account, for the demo: changes things behind hatoba's back, and looks whether anything is left.

    other_client.py prepare    makes what the stack takes for granted: a parameter, and what AWS has from the start and the emulator
                               has not, a route to the internet
    other_client.py drift      changes three things
    other_client.py left       lists everything that hatoba could have made; fails if there is anything

It speaks AWS's own HTTP API, with nothing but Python's standard library. The account comes from AWS_ACCESS_KEY_ID, as the emulator
takes it; the emulator does not ask an administrator for a signature.
"""

import json
import os
import sys
import urllib.error
import urllib.parse
import urllib.request
import xml.etree.ElementTree as xml

TARGETS = {
    "ecr": "AmazonEC2ContainerRegistry_V20150921",
    "ecs": "AmazonEC2ContainerServiceV20141113",
    "logs": "Logs_20140328",
    "ssm": "AmazonSSM",
}
VERSIONS = {"iam": "2010-05-08", "ec2": "2016-11-15"}


def call(service, action, **parameters):
    """Calls one action. JSON services answer a dictionary, the others an XML element without namespaces."""
    scope = f"{os.environ['AWS_ACCESS_KEY_ID']}/20260101/{os.environ['AWS_REGION']}/{service}/aws4_request"
    headers = {"Authorization": f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0"}
    if service in TARGETS:
        headers |= {"X-Amz-Target": f"{TARGETS[service]}.{action}", "Content-Type": "application/x-amz-json-1.1"}
        body = json.dumps(parameters)
    else:
        headers["Content-Type"] = "application/x-www-form-urlencoded"
        body = urllib.parse.urlencode({"Action": action, "Version": VERSIONS[service], **parameters})
    request = urllib.request.Request(os.environ["AWS_ENDPOINT_URL"], body.encode(), headers)
    try:
        with urllib.request.urlopen(request, timeout=30) as reply:
            answer = reply.read().decode()
    except urllib.error.HTTPError as error:
        sys.exit(f"{service}:{action} failed: {error.code} {error.read().decode()}")
    if service in TARGETS:
        return json.loads(answer)
    root = xml.fromstring(answer)
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
    return root


def prepare():
    """The parameter that the app's secret is read from, and the way out of the default network."""
    call("ssm", "PutParameter", Name="/papyrus/db-url", Type="SecureString", Value="postgres://db.example.com/papyrus")
    print("the parameter /papyrus/db-url is there")

    main = {"Filter.1.Name": "association.main", "Filter.1.Value.1": "true"}
    table = call("ec2", "DescribeRouteTables", **main).findtext(".//routeTableId")
    gateway = call("ec2", "DescribeInternetGateways").findtext(".//internetGatewayId")
    call("ec2", "CreateRoute", RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway)
    print("the default network has its route to the internet")


def drift():
    """A shorter retention, a policy that is gone, and a policy that nobody asked for."""
    call("logs", "PutRetentionPolicy", logGroupName="/ecs/papyrus", retentionInDays=1)
    print("/ecs/papyrus keeps its log for 1 day")

    role = "papyrus-deploy"
    inline = call("iam", "ListRolePolicies", RoleName=role).findtext(".//PolicyNames/member")
    call("iam", "DeleteRolePolicy", RoleName=role, PolicyName=inline)
    print(f"the policy {inline} of the role {role} is gone")

    everything = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
    call("iam", "PutRolePolicy", RoleName="papyrus-task", PolicyName="oops", PolicyDocument=json.dumps(everything))
    print("the role papyrus-task may do everything")


def left():
    """What is there, other than what an account has by itself: AWS's own roles and the default network."""
    found = []
    for role in call("iam", "ListRoles").iter("member"):
        if not (role.findtext("Path") or "/").startswith("/aws-service-role/"):
            found.append(f"role {role.findtext('RoleName')}")
    found += [f"identity provider {arn.text}" for arn in call("iam", "ListOpenIDConnectProviders").iter("Arn")]
    found += [f"policy {arn.text}" for arn in call("iam", "ListPolicies", Scope="Local").iter("Arn")]
    found += [f"repository {each['repositoryName']}" for each in call("ecr", "DescribeRepositories")["repositories"]]
    found += [f"log group {each['logGroupName']}" for each in call("logs", "DescribeLogGroups")["logGroups"]]
    groups = call("ec2", "DescribeSecurityGroups").iter("groupName")
    found += [f"security group {name.text}" for name in groups if name.text != "default"]
    definitions = call("ecs", "ListTaskDefinitions", status="ACTIVE")["taskDefinitionArns"]
    found += [f"task definition {arn}" for arn in definitions]
    for cluster in call("ecs", "ListClusters")["clusterArns"]:
        found.append(f"cluster {cluster}")
        found += [f"service {arn}" for arn in call("ecs", "ListServices", cluster=cluster)["serviceArns"]]
        found += [f"task {arn}" for arn in call("ecs", "ListTasks", cluster=cluster)["taskArns"]]
    if found:
        sys.exit("\n".join(["still there:", *found]))
    print("no role, policy, identity provider, repository, log group, security group, cluster, service, task or active")
    print("task definition is in the account")


if __name__ == "__main__":
    {"prepare": prepare, "drift": drift, "left": left}[sys.argv[1]]()
