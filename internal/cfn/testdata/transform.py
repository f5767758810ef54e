# Runs the transform of AWS SAM on templates, as CloudFormation does: a JSON list of their texts on stdin, a
# list of the results on stdout. Code that is a path is put where sam package would put it.
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
        if isinstance(properties.get("CodeUri"), str) and not properties["CodeUri"].startswith("s3://"):
            properties["CodeUri"] = {"Bucket": "code", "Key": "function.zip"}
    results.append(transform(template, {}, NoManagedPolicies(), passthrough_metadata=True))
json.dump(results, sys.stdout)
