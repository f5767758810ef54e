# Creates, updates and deletes a stack on moto's server. stdin has a JSON object with the steps,
# stdout one with the state of the account after each step. The server uses a free port and ends
# with this process.
import json
import logging
import sys
import warnings

import boto3
from botocore.config import Config
from moto.server import ThreadedMotoServer

request = json.load(sys.stdin)
logging.getLogger("werkzeug").setLevel(logging.ERROR)  # otherwise it logs every request
warnings.simplefilter("ignore")  # moto warns about ignored resources; the test checks for them
server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
endpoint = "http://%s:%d" % server.get_host_and_port()
session = boto3.Session(
    aws_access_key_id="test", aws_secret_access_key="test", region_name=request["region"]
)
# Each call has a timeout; all calls are fast.
bounds = Config(connect_timeout=10, read_timeout=60, retries={"total_max_attempts": 1}, proxies={})


def client(service):
    return session.client(service, endpoint_url=endpoint, config=bounds)


cloudformation, iam, s3, kms = client("cloudformation"), client("iam"), client("s3"), client("kms")
lambda_, sns, sqs = client("lambda"), client("sns"), client("sqs")
events, logs = client("events"), client("logs")


def list_all(service, operation, key, **arguments):
    pages = service.get_paginator(operation).paginate(**arguments)
    return [item for page in pages for item in page.get(key, [])]


def functions():
    found = {}
    for function in list_all(lambda_, "list_functions", "Functions"):
        name = function["FunctionName"]
        answer = lambda_.get_function(FunctionName=name)
        found[name] = {"Configuration": answer["Configuration"], "Tags": answer.get("Tags", {})}
    return found


def roles():
    found = {}
    for role in list_all(iam, "list_roles", "Roles"):
        name = role["RoleName"]
        found[name] = iam.get_role(RoleName=name)["Role"] | {
            "Policies": {
                policy: iam.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"]
                for policy in list_all(iam, "list_role_policies", "PolicyNames", RoleName=name)
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
                answer = operation(Bucket=name)
                answer.pop("ResponseMetadata")
                found[name][aspect] = answer
            except s3.exceptions.ClientError as error:
                found[name][aspect] = {"Error": error.response["Error"]["Code"]}
    return found


def rules():
    return {
        rule["Name"]: rule | {"Targets": events.list_targets_by_rule(Rule=rule["Name"])["Targets"]}
        for rule in list_all(events, "list_rules", "Rules")
    }


def account_state():
    return {
        "Functions": functions(),
        "EventSourceMappings": list_all(
            lambda_, "list_event_source_mappings", "EventSourceMappings"
        ),
        "Roles": roles(),
        "Queues": {
            url: sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
            for url in sqs.list_queues().get("QueueUrls", [])
        },
        "Topics": {
            topic["TopicArn"]: sns.get_topic_attributes(TopicArn=topic["TopicArn"])["Attributes"]
            for topic in list_all(sns, "list_topics", "Topics")
        },
        "Subscriptions": list_all(sns, "list_subscriptions", "Subscriptions"),
        "Keys": {
            key["KeyId"]: key["KeyArn"]
            for key in list_all(kms, "list_keys", "Keys")
        },
        "Buckets": buckets(),
        "Rules": rules(),
        "LogGroups": {
            group["logGroupName"]: group.get("retentionInDays")
            for group in list_all(logs, "describe_log_groups", "logGroups")
        },
    }


def stack(identifier):
    described = cloudformation.describe_stacks(StackName=identifier)["Stacks"][0]
    summaries = list_all(
        cloudformation, "list_stack_resources", "StackResourceSummaries", StackName=identifier
    )
    # moto also lists the resources that it ignores, without a logical id.
    resources = [r for r in summaries if r.get("LogicalResourceId")]
    return account_state() | {
        "Status": described["StackStatus"],
        "Outputs": {
            output["OutputKey"]: output["OutputValue"] for output in described.get("Outputs", [])
        },
        "Resources": {r["LogicalResourceId"]: r["PhysicalResourceId"] for r in resources},
    }


def arguments(step):
    return {
        # moto does not know RetainExceptOnCreate. For a stack that was created, both mean the same.
        "TemplateBody": step["template"].replace("RetainExceptOnCreate", "Retain"),
        "Capabilities": ["CAPABILITY_IAM"],
        "Parameters": [
            {"ParameterKey": name, "ParameterValue": value}
            for name, value in step["parameters"].items()
        ],
    }


def wait(event):
    cloudformation.get_waiter(event).wait(
        StackName=identifier, WaiterConfig={"Delay": 1, "MaxAttempts": 60}
    )


code = request["code"]
s3.create_bucket(
    Bucket=code["bucket"],
    CreateBucketConfiguration={"LocationConstraint": request["region"]},
)
s3.put_object(Bucket=code["bucket"], Key=code["key"], Body=bytes.fromhex(code["zip"]))
for name, value in request["lookups"].items():
    client("ssm").put_parameter(Name=name, Value=value, Type="String")

answer = {"Before": account_state()}
created = cloudformation.create_stack(StackName="remotion-audit", **arguments(request["create"]))
identifier = created["StackId"]
wait("stack_create_complete")
answer["Created"] = stack(identifier)
cloudformation.update_stack(StackName=identifier, **arguments(request["update"]))
wait("stack_update_complete")
answer["Updated"] = stack(identifier)
cloudformation.delete_stack(StackName=identifier)
wait("stack_delete_complete")
answer["Deleted"] = account_state()
json.dump(answer, sys.stdout, default=str)
