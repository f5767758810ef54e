data "aws_iam_policy_document" "render" {
  statement {
    sid       = "0"
    actions   = ["s3:ListAllMyBuckets"]
    resources = ["*"]
  }

  statement {
    sid       = "1"
    actions   = ["s3:GetObject", "s3:PutObject"]
    resources = ["arn:aws:s3:::remotionlambda-*", "${var.bucket_arn}/&{aws:username}/*"]

    condition {
      test     = "Bool"
      variable = "aws:SecureTransport"
      values   = ["true"]
    }
  }
}
