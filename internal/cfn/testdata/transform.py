# Runs the transform of AWS SAM on templates, as CloudFormation does. stdin has a JSON list of
# template texts, stdout a list of the results. As with sam package, a code path becomes a bucket
# and a key.
import json
import os
import sys

os.environ["AWS_DEFAULT_REGION"] = "us-east-1"

from samtranslator.translator.transform import transform
from samtranslator.yaml_helper import yaml_parse


class NoManagedPolicies:
    def load(self):
        return {}


results = []
for text in json.load(sys.stdin):
    template = yaml_parse(text)
    for resource in template["Resources"].values():
        properties = resource.get("Properties", {})
        code = properties.get("CodeUri")
        if isinstance(code, str) and not code.startswith("s3://"):
            properties["CodeUri"] = {"Bucket": "code", "Key": "function.zip"}
    results.append(transform(template, {}, NoManagedPolicies(), passthrough_metadata=True))
json.dump(results, sys.stdout)
