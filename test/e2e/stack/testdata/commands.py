# Runs shell commands against moto's server, in the management account of an organization with one
# unit. stdin has a JSON object with the commands, stdout one with the resulting state.
import json
import logging
import os
import subprocess
import sys

import boto3
from moto.server import ThreadedMotoServer

request = json.load(sys.stdin)
logging.getLogger("werkzeug").setLevel(logging.ERROR)  # otherwise it logs every request
server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
environment = os.environ | {
    "AWS_ENDPOINT_URL": "http://%s:%d" % server.get_host_and_port(),
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "AWS_PAGER": "",
}
session = boto3.Session(
    aws_access_key_id="test", aws_secret_access_key="test", region_name="us-east-1"
)
organizations, s3, cloudformation = (
    session.client(service, endpoint_url=environment["AWS_ENDPOINT_URL"])
    for service in ("organizations", "s3", "cloudformation")
)
organizations.create_organization(FeatureSet="ALL")
root = organizations.list_roots()["Roots"][0]["Id"]
unit = organizations.create_organizational_unit(ParentId=root, Name="media")
environment["ORGANIZATIONAL_UNITS"] = unit["OrganizationalUnit"]["Id"]
for bucket in request["buckets"]:
    s3.create_bucket(Bucket=bucket)

ran = subprocess.run(
    ["bash", "-eu"],
    input=request["commands"],
    text=True,
    capture_output=True,
    env=environment,
    timeout=100,
)
answer = {"Status": ran.returncode, "Stderr": ran.stderr}
if ran.returncode == 0:
    described = cloudformation.describe_stack_set(StackSetName="remotion-audit")
    answer["StackSet"] = described["StackSet"]
    answer["Objects"] = {
        bucket: [o["Key"] for o in s3.list_objects_v2(Bucket=bucket).get("Contents", [])]
        for bucket in request["buckets"]
    }
json.dump(answer, sys.stdout, default=str)
