# Fix for role/remotion-lambda-role in account 123456789012: closes 7 of 7 gaps.
#
# Owner: Unknown: no tag, name or CloudTrail record names a tool. If a tool such as
# Terraform or CloudFormation writes the policy, make the change there: the tool overwrites
# an edit by hand.
#
# If the configuration has the policy already, replace its document. Else import the policy
# first: Terraform then changes it in place.

# Inline policy "remotion-lambda-role-policy" of role/remotion-lambda-role: 786 of 10,240
# characters used afterwards.
# arn:aws:s3:::remotionlamda-* does not match: typo at character 25 (has remotionlamda-,
# needs remotionlambda-)
# Import: terraform import aws_iam_role_policy.remotion_lambda_role_policy remotion-lambda-role:remotion-lambda-role-policy
resource "aws_iam_role_policy" "remotion_lambda_role_policy" {
  name = "remotion-lambda-role-policy"
  role = "remotion-lambda-role"

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid    = "0"
        Effect = "Allow"
        Action = [
          "s3:ListAllMyBuckets",
        ]
        Resource = [
          "*",
        ]
      },
      {
        Sid    = "1"
        Effect = "Allow"
        Action = [
          "s3:CreateBucket",
          "s3:ListBucket",
          "s3:PutBucketAcl",
          "s3:GetObject",
          "s3:DeleteObject",
          "s3:PutObjectAcl",
          "s3:PutObject",
          "s3:GetBucketLocation",
        ]
        Resource = [
          "arn:aws:s3:::remotionlambda-*",
        ]
      },
      {
        Sid    = "2"
        Effect = "Allow"
        Action = [
          "lambda:InvokeFunction",
        ]
        Resource = [
          "arn:aws:lambda:*:*:function:remotion-render-*",
        ]
      },
      {
        Sid    = "3"
        Effect = "Allow"
        Action = [
          "logs:CreateLogGroup",
        ]
        Resource = [
          "arn:aws:logs:*:*:log-group:/aws/lambda-insights",
        ]
      },
      {
        Sid    = "4"
        Effect = "Allow"
        Action = [
          "logs:CreateLogStream",
          "logs:PutLogEvents",
        ]
        Resource = [
          "arn:aws:logs:*:*:log-group:/aws/lambda/remotion-render-*",
          "arn:aws:logs:*:*:log-group:/aws/lambda-insights:*",
        ]
      },
    ]
  })
}
