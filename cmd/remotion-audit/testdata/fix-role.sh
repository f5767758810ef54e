#!/bin/sh
# Fix for role/remotion-lambda-role in account 123456789012: closes 7 of 7 gaps.
#
# Owner: Unknown: no tag, name or CloudTrail record names a tool. If a tool such
# as Terraform or CloudFormation writes the policy, make the change there: the
# tool overwrites an edit by hand.
#
# The script needs the AWS CLI, and credentials that may change these policies.
# It stops if a stored document is not the one that was audited.
set -eu

# IAM is the same in each region, but the AWS CLI needs one.
: "${AWS_DEFAULT_REGION:=${AWS_REGION:-us-east-1}}"
export AWS_DEFAULT_REGION
AWS_PAGER=
export AWS_PAGER
directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT

say() { printf '%s\n' "$1"; }

stop() {
  printf '%s\n' "$1" >&2
  exit 1
}

account=$(aws sts get-caller-identity --query Account --output text)
[ "$account" = 123456789012 ] ||
  stop "the credentials belong to account $account: use those of account 123456789012"

# 1. Inline policy "remotion-lambda-role-policy" of role/remotion-lambda-role:
# 786 of 10,240 characters used afterwards.
# arn:aws:s3:::remotionlamda-* does not match: typo at character 25 (has
# remotionlamda-, needs remotionlambda-)
cat >"$directory/policy-1.json" <<'END_OF_DOCUMENT'
{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Sid": "0",
      "Effect": "Allow",
      "Action": [
        "s3:ListAllMyBuckets"
      ],
      "Resource": [
        "*"
      ]
    },
    {
      "Sid": "1",
      "Effect": "Allow",
      "Action": [
        "s3:CreateBucket",
        "s3:ListBucket",
        "s3:PutBucketAcl",
        "s3:GetObject",
        "s3:DeleteObject",
        "s3:PutObjectAcl",
        "s3:PutObject",
        "s3:GetBucketLocation"
      ],
      "Resource": [
        "arn:aws:s3:::remotionlambda-*"
      ]
    },
    {
      "Sid": "2",
      "Effect": "Allow",
      "Action": [
        "lambda:InvokeFunction"
      ],
      "Resource": [
        "arn:aws:lambda:*:*:function:remotion-render-*"
      ]
    },
    {
      "Sid": "3",
      "Effect": "Allow",
      "Action": [
        "logs:CreateLogGroup"
      ],
      "Resource": [
        "arn:aws:logs:*:*:log-group:/aws/lambda-insights"
      ]
    },
    {
      "Sid": "4",
      "Effect": "Allow",
      "Action": [
        "logs:CreateLogStream",
        "logs:PutLogEvents"
      ],
      "Resource": [
        "arn:aws:logs:*:*:log-group:/aws/lambda/remotion-render-*",
        "arn:aws:logs:*:*:log-group:/aws/lambda-insights:*"
      ]
    }
  ]
}
END_OF_DOCUMENT
# The query compares the stored document with the new one and with the audited
# one.
cat >"$directory/query-1" <<'END_OF_QUERY'
PolicyDocument | (
  Version == `"2012-10-17"` &&
  !Id &&
  length(to_array(Statement)) == `5` &&
  (to_array(Statement)[0] |
      (Sid == `"0"` && Effect == `"Allow"` &&
       to_array(Action) == `["s3:ListAllMyBuckets"]` &&
       to_array(Resource) == `["*"]` &&
       !(NotAction || NotResource || Principal || NotPrincipal || Condition))) &&
  (to_array(Statement)[2] |
      (Sid == `"2"` && Effect == `"Allow"` &&
       to_array(Action) == `["lambda:InvokeFunction"]` &&
       to_array(Resource) == `["arn:aws:lambda:*:*:function:remotion-render-*"]` &&
       !(NotAction || NotResource || Principal || NotPrincipal || Condition))) &&
  (to_array(Statement)[3] |
      (Sid == `"3"` && Effect == `"Allow"` &&
       to_array(Action) == `["logs:CreateLogGroup"]` &&
       to_array(Resource) == `["arn:aws:logs:*:*:log-group:/aws/lambda-insights"]` &&
       !(NotAction || NotResource || Principal || NotPrincipal || Condition))) &&
  (to_array(Statement)[4] |
      (Sid == `"4"` && Effect == `"Allow"` &&
       to_array(Action) == `["logs:CreateLogStream","logs:PutLogEvents"]` &&
       to_array(Resource) == `["arn:aws:logs:*:*:log-group:/aws/lambda/remotion-render-*","arn:aws:logs:*:*:log-group:/aws/lambda-insights:*"]` &&
       !(NotAction || NotResource || Principal || NotPrincipal || Condition))) &&
  (((to_array(Statement)[1] |
      (Sid == `"1"` && Effect == `"Allow"` &&
       to_array(Action) == `["s3:CreateBucket","s3:ListBucket","s3:PutBucketAcl","s3:GetObject","s3:DeleteObject","s3:PutObjectAcl","s3:PutObject","s3:GetBucketLocation"]` &&
       to_array(Resource) == `["arn:aws:s3:::remotionlambda-*"]` &&
       !(NotAction || NotResource || Principal || NotPrincipal || Condition)))) && 'new' ||
  ((to_array(Statement)[1] |
      (Sid == `"1"` && Effect == `"Allow"` &&
       to_array(Action) == `["s3:CreateBucket","s3:ListBucket","s3:PutBucketAcl","s3:GetObject","s3:DeleteObject","s3:PutObjectAcl","s3:PutObject","s3:GetBucketLocation"]` &&
       to_array(Resource) == `["arn:aws:s3:::remotionlamda-*"]` &&
       !(NotAction || NotResource || Principal || NotPrincipal || Condition)))) && 'audited') ||
  'other')
END_OF_QUERY
state=$(aws iam get-role-policy --role-name=remotion-lambda-role --policy-name=remotion-lambda-role-policy \
  --output text --query "$(cat "$directory/query-1")")
case $state in
new)
  say 'Already stored: inline policy "remotion-lambda-role-policy" of role/remotion-lambda-role.'
  ;;
audited)
  say 'Storing inline policy "remotion-lambda-role-policy" of role/remotion-lambda-role.'
  aws iam put-role-policy --role-name=remotion-lambda-role --policy-name=remotion-lambda-role-policy \
    --policy-document "file://$directory/policy-1.json"
  ;;
*)
  stop 'Inline policy "remotion-lambda-role-policy" of role/remotion-lambda-role is not the document that was audited: run remotion-audit fix again'
  ;;
esac

say 'Done. IAM needs a few seconds. Then check the result: remotion-audit audit'
