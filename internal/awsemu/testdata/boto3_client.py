"""Calls the embedded AWS with an unchanged boto3 and prints the answers as one JSON object."""

import json

import boto3
from botocore.exceptions import ClientError

iam, sts, sns, cw, s3 = (boto3.client(name) for name in ("iam", "sts", "sns", "cloudwatch", "s3"))
got = {"caller": sts.get_caller_identity()["Arn"]}


def pages(operation, key, of=iam, **params):
    return [item for page in of.get_paginator(operation).paginate(**params) for item in page[key]]


def refusal(call, **params):
    try:
        call(**params)
    except ClientError as error:
        return "%s %s: %s" % (
            error.response["ResponseMetadata"]["HTTPStatusCode"],
            error.response["Error"]["Code"],
            error.response["Error"]["Message"],
        )
    return "not refused"


got["inline"] = pages("list_user_policies", "PolicyNames", UserName="ci")
got["none"] = pages("list_user_policies", "PolicyNames", UserName="ann")
got["document"] = iam.get_role_policy(RoleName="remotion-lambda-role", PolicyName="a")["PolicyDocument"]
got["trust"] = iam.get_role(RoleName="remotion-lambda-role")["Role"]["AssumeRolePolicyDocument"]
got["simulated"] = [
    [
        result["EvalActionName"],
        result["EvalResourceName"],
        result["EvalDecision"],
        [specific["EvalResourceDecision"] for specific in result["ResourceSpecificResults"]],
        result["MatchedStatements"][0]["StartPosition"]["Column"],
        result["MissingContextValues"],
        result["EvalDecisionDetails"],
    ]
    for result in pages(
        "simulate_principal_policy",
        "EvaluationResults",
        PolicySourceArn="arn:aws:iam::123456789012:role/remotion-lambda-role",
        ActionNames=["s3:GetObject", "s3:PutObject", "s3:DeleteObject"],
        ResourceArns=["arn:aws:s3:::a/b", "arn:aws:s3:::c/d"],
        ContextEntries=[
            {"ContextKeyName": "aws:RequestedRegion", "ContextKeyType": "string", "ContextKeyValues": ["us-east-1"]}
        ],
    )
]
allow = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]})
got["custom"] = [
    [result["EvalActionName"], result["EvalDecision"], [s["SourcePolicyId"] for s in result["MatchedStatements"]]]
    for result in pages(
        "simulate_custom_policy",
        "EvaluationResults",
        PolicyInputList=[allow],
        ActionNames=["s3:GetObject", "sns:Publish", "lambda:InvokeFunction"],
        PermissionsBoundaryPolicyInputList=[allow],
    )
]
iam.put_user_policy(UserName="ann", PolicyName="new", PolicyDocument=json.dumps(got["document"]))
got["written"] = iam.get_user_policy(UserName="ann", PolicyName="new")["PolicyDocument"] == got["document"]
got["unknown"] = refusal(iam.get_role, RoleName="unknown")
sns.publish(
    TopicArn="arn:aws:sns:us-east-1:123456789012:alerts",
    Subject="boto3",
    MessageStructure="json",
    Message=json.dumps({"default": "d", "email": "ünï + code"}),
    MessageAttributes={"severity": {"DataType": "String", "StringValue": "high"}},
)
got["topic"] = refusal(sns.publish, TopicArn="arn:aws:sns:us-east-1:123456789012:none", Message="x")
cw.put_metric_data(Namespace="N", MetricData=[{"MetricName": "boto3", "Value": 1.5, "Unit": "Percent"}])
got["metric"] = refusal(cw.put_metric_data, Namespace="AWS/N", MetricData=[{"MetricName": "x", "Value": 1}])
other = boto3.client("iam", aws_access_key_id="AKIABOB000000000", aws_secret_access_key="x")
got["denied"] = refusal(other.get_role, RoleName="remotion-lambda-role")
lam = boto3.client("lambda")
got["functions"] = [[f["FunctionName"], f["Role"]] for f in pages("list_functions", "Functions", of=lam)]
got["tags"] = lam.list_tags(Resource=lam.get_function(FunctionName="clips")["Configuration"]["FunctionArn"])["Tags"]
got["gone"] = refusal(lam.get_function, FunctionName="gone")
got["disabled"] = refusal(boto3.client("lambda", region_name="af-south-1").list_functions)
for key in ("state/a", "state/b", "state/c"):
    s3.put_object(Bucket="evidence", Key=key, Body=b"{}", ContentType="application/json", Metadata={"run": "7"})
listing = s3.get_paginator("list_objects_v2").paginate(Bucket="evidence", Prefix="state/")
got["objects"] = [item["Key"] for page in listing for item in page["Contents"]]
read = s3.get_object(Bucket="evidence", Key="state/a", ExpectedBucketOwner="123456789012")
got["object"] = [read["Body"].read().decode(), read["ContentType"], read["Metadata"]["run"]]


def with_condition(params, **_):
    params["headers"]["If-Match"] = '"another"'


# A hook sets the header, because older releases of boto3 lack the parameter for conditional writes.
s3.meta.events.register("before-call.s3.PutObject", with_condition)
got["condition"] = refusal(s3.put_object, Bucket="evidence", Key="state/a", Body=b"[]")
s3.meta.events.unregister("before-call.s3.PutObject", with_condition)
got["missing"] = refusal(s3.get_object, Bucket="evidence", Key="none")
got["owner"] = refusal(s3.get_object, Bucket="foreign", Key="k", ExpectedBucketOwner="123456789012")

topic = "arn:aws:sns:us-east-1:123456789012:alerts"
sns.subscribe(TopicArn=topic, Protocol="email", Endpoint="ops@example.com")
queue = sns.subscribe(
    TopicArn=topic,
    Protocol="sqs",
    Endpoint="arn:aws:sqs:us-east-1:123456789012:q",
    Attributes={"FilterPolicy": '{"severity":["critical"]}'},
)["SubscriptionArn"]
got["subscribers"] = [
    [item["Protocol"], item["Endpoint"], item["SubscriptionArn"].split(":")[0]]
    for page in sns.get_paginator("list_subscriptions_by_topic").paginate(TopicArn=topic)
    for item in page["Subscriptions"]
]
got["filter"] = sns.get_subscription_attributes(SubscriptionArn=queue)["Attributes"]["FilterPolicy"]

got["no block"] = refusal(s3.get_public_access_block, Bucket="evidence")
public = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::evidence/*"}
        ],
    }
)
s3.put_public_access_block(Bucket="evidence", PublicAccessBlockConfiguration={"BlockPublicPolicy": True})
got["public policy"] = refusal(s3.put_bucket_policy, Bucket="evidence", Policy=public)
s3.delete_public_access_block(Bucket="evidence")
s3.put_bucket_policy(Bucket="evidence", Policy=public)
got["public"] = s3.get_bucket_policy_status(Bucket="evidence")["PolicyStatus"]["IsPublic"]
s3.put_bucket_ownership_controls(
    Bucket="evidence", OwnershipControls={"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
)
got["acl"] = refusal(s3.put_object, Bucket="evidence", Key="k", ACL="private")
s3.put_bucket_lifecycle_configuration(
    Bucket="evidence",
    LifecycleConfiguration={
        "Rules": [{"Status": "Enabled", "Filter": {"Prefix": "renders/"}, "Expiration": {"Days": 7}}]
    },
)
rule = s3.get_bucket_lifecycle_configuration(Bucket="evidence")["Rules"][0]
got["lifecycle"] = [rule["Filter"]["Prefix"], rule["Expiration"]["Days"]]
got["region"] = s3.head_bucket(Bucket="evidence")["ResponseMetadata"]["HTTPHeaders"]["x-amz-bucket-region"]

kms = boto3.client("kms")
key = kms.create_key(Description="clips")["KeyMetadata"]
kms.create_alias(AliasName="alias/clips", TargetKeyId=key["KeyId"])
s3.put_bucket_encryption(
    Bucket="evidence",
    ServerSideEncryptionConfiguration={
        "Rules": [
            {
                "ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": "alias/clips"},
                "BucketKeyEnabled": True,
            }
        ]
    },
)
got["encrypted"] = s3.put_object(Bucket="evidence", Key="k")["SSEKMSKeyId"] == key["Arn"]
kms.disable_key(KeyId=key["KeyId"])
got["disabled key"] = refusal(s3.put_object, Bucket="evidence", Key="k").replace(key["Arn"], "KEY")
got["aliases"] = [alias["AliasName"] for alias in pages("list_aliases", "Aliases", of=kms)]
got["quota"] = lam.get_account_settings()["AccountLimit"]["ConcurrentExecutions"]
got["reserved"] = refusal(
    lam.put_function_concurrency, FunctionName="clips", ReservedConcurrentExecutions=901
)
got["policy"] = refusal(lam.get_policy, FunctionName="clips")
ec2 = boto3.client("ec2")
got["endpoints"] = [
    [endpoint["ServiceName"], json.loads(endpoint["PolicyDocument"])["Statement"][0]["Effect"]]
    for endpoint in pages(
        "describe_vpc_endpoints", "VpcEndpoints", of=ec2, Filters=[{"Name": "vpc-id", "Values": ["vpc-1"]}]
    )
]
got["filter of no kind"] = refusal(ec2.describe_vpc_endpoints, Filters=[{"Name": "colour", "Values": ["red"]}])
logs = boto3.client("logs")
logs.create_log_group(logGroupName="/clips")
got["groups"] = [group["logGroupName"] for group in pages("describe_log_groups", "logGroups", of=logs)]
org = boto3.client("organizations")
got["parent"] = org.list_parents(ChildId="123456789012")["Parents"][0]["Id"]
got["rcps"] = [
    policy["Name"]
    for policy in pages(
        "list_policies_for_target",
        "Policies",
        of=org,
        TargetId="r-r3m0",
        Filter="RESOURCE_CONTROL_POLICY",
    )
]
print(json.dumps(got))
