# Creates a stack on moto's server, updates it and deletes it, and says what was there after each step. Asked by a JSON
# object on stdin, answers with one on stdout. The server listens on a port of its own and ends with this process.
import json
import logging
import sys
import warnings

import boto3
from botocore.config import Config
from moto.server import ThreadedMotoServer

asked = json.load(sys.stdin)
logging.getLogger("werkzeug").setLevel(logging.ERROR)  # of every request, otherwise
warnings.simplefilter("ignore")  # of every resource that it does not make: the test sees to those
server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
endpoint = "http://%s:%d" % server.get_host_and_port()
session = boto3.Session(aws_access_key_id="test", aws_secret_access_key="test", region_name=asked["region"])
# Each call is bounded: nothing here takes seconds.
bounds = Config(connect_timeout=10, read_timeout=60, retries={"total_max_attempts": 1}, proxies={})


def client(service):
    return session.client(service, endpoint_url=endpoint, config=bounds)


cloudformation, iam, s3, kms = client("cloudformation"), client("iam"), client("s3"), client("kms")
lambda_, sns, sqs, events, logs = client("lambda"), client("sns"), client("sqs"), client("events"), client("logs")


def everything(service, operation, key, **arguments):
    pages = service.get_paginator(operation).paginate(**arguments)
    return [item for page in pages for item in page.get(key, [])]


def functions():
    found = {}
    for function in everything(lambda_, "list_functions", "Functions"):
        answer = lambda_.get_function(FunctionName=function["FunctionName"])
        found[function["FunctionName"]] = {"Configuration": answer["Configuration"], "Tags": answer.get("Tags", {})}
    return found


def roles():
    found = {}
    for role in everything(iam, "list_roles", "Roles"):
        name = role["RoleName"]
        found[name] = iam.get_role(RoleName=name)["Role"] | {
            "Policies": {
                policy: iam.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"]
                for policy in everything(iam, "list_role_policies", "PolicyNames", RoleName=name)
            }
        }
    return found


def buckets():
    found = {}
    for bucket in s3.list_buckets()["Buckets"]:
        name = bucket["Name"]
        found[name] = {}
        for aspect, operation in {
            "PublicAccessBlock": s3.get_public_access_block,
            "Versioning": s3.get_bucket_versioning,
            "Encryption": s3.get_bucket_encryption,
            "Policy": s3.get_bucket_policy,
            "Lifecycle": s3.get_bucket_lifecycle_configuration,
        }.items():
            try:
                found[name][aspect] = {k: v for k, v in operation(Bucket=name).items() if k != "ResponseMetadata"}
            except s3.exceptions.ClientError as error:
                found[name][aspect] = {"Error": error.response["Error"]["Code"]}
    return found


def rules():
    return {
        rule["Name"]: rule | {"Targets": events.list_targets_by_rule(Rule=rule["Name"])["Targets"]}
        for rule in everything(events, "list_rules", "Rules")
    }


def there():
    return {
        "Functions": functions(),
        "EventSourceMappings": everything(lambda_, "list_event_source_mappings", "EventSourceMappings"),
        "Roles": roles(),
        "Queues": {
            url: sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
            for url in sqs.list_queues().get("QueueUrls", [])
        },
        "Topics": {
            topic["TopicArn"]: sns.get_topic_attributes(TopicArn=topic["TopicArn"])["Attributes"]
            for topic in everything(sns, "list_topics", "Topics")
        },
        "Subscriptions": everything(sns, "list_subscriptions", "Subscriptions"),
        "Keys": {
            key["KeyId"]: key["KeyArn"]
            for key in everything(kms, "list_keys", "Keys")
        },
        "Buckets": buckets(),
        "Rules": rules(),
        "LogGroups": {group["logGroupName"]: group.get("retentionInDays") for group in everything(logs, "describe_log_groups", "logGroups")},
    }


def stack(identifier):
    described = cloudformation.describe_stacks(StackName=identifier)["Stacks"][0]
    # There are entries for what it does not make, and those have no name.
    resources = [r for r in everything(cloudformation, "list_stack_resources", "StackResourceSummaries", StackName=identifier) if r.get("LogicalResourceId")]
    return there() | {
        "Status": described["StackStatus"],
        "Outputs": {output["OutputKey"]: output["OutputValue"] for output in described.get("Outputs", [])},
        "Resources": {r["LogicalResourceId"]: r["PhysicalResourceId"] for r in resources},
    }


def arguments(step):
    return {
        "TemplateBody": step["template"],
        "Capabilities": ["CAPABILITY_IAM"],
        "Parameters": [{"ParameterKey": name, "ParameterValue": value} for name, value in step["parameters"].items()],
    }


def wait(event):
    cloudformation.get_waiter(event).wait(StackName=identifier, WaiterConfig={"Delay": 1, "MaxAttempts": 60})


s3.create_bucket(Bucket=asked["code"]["bucket"], CreateBucketConfiguration={"LocationConstraint": asked["region"]})
s3.put_object(Bucket=asked["code"]["bucket"], Key=asked["code"]["key"], Body=bytes.fromhex(asked["code"]["zip"]))
for name, value in asked["lookups"].items():
    client("ssm").put_parameter(Name=name, Value=value, Type="String")

answer = {"Before": there()}
identifier = cloudformation.create_stack(StackName="remotion-audit", **arguments(asked["create"]))["StackId"]
wait("stack_create_complete")
answer["Created"] = stack(identifier)
cloudformation.update_stack(StackName=identifier, **arguments(asked["update"]))
wait("stack_update_complete")
answer["Updated"] = stack(identifier)
cloudformation.delete_stack(StackName=identifier)
wait("stack_delete_complete")
answer["Deleted"] = there()
json.dump(answer, sys.stdout, default=str)
