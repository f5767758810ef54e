# The user of CI deploys and renders; the role in modules/render runs the function.
resource "aws_s3_bucket" "assets" {
  bucket_prefix = "remotion-assets-"
}

module "render" {
  source     = "./modules/render"
  bucket_arn = aws_s3_bucket.assets.arn
}

resource "aws_iam_user" "ci" {
  name                 = "remotion-ci"
  permissions_boundary = aws_iam_policy.boundary.arn
}

resource "aws_iam_policy" "boundary" {
  name   = "remotion-boundary"
  policy = file("boundary.json")
}

resource "aws_iam_policy" "caller" {
  name = "remotion-caller"
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Effect   = "Allow"
        Action   = ["lambda:InvokeFunction"]
        Resource = ["arn:aws:lambda:*:*:function:remotion-render-*"]
      },
      { Effect = "Allow", Action = "s3:ListAllMyBuckets", Resource = "*" },
    ]
  })
}

resource "aws_iam_user_policy_attachment" "caller" {
  user       = aws_iam_user.ci.name
  policy_arn = aws_iam_policy.caller.arn
}

resource "aws_iam_user_policy" "assets" {
  name = "assets"
  user = aws_iam_user.ci.name
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Effect   = "Allow"
        Action   = "s3:GetObject"
        Resource = ["arn:aws:s3:::remotionlambda-*", "${aws_s3_bucket.assets.arn}/*"]
      },
      {
        Effect    = "Deny"
        Action    = "s3:DeleteObject"
        Resource  = "*"
        Condition = { StringNotEquals = { "aws:RequestedRegion" = "eu-central-1" } }
      },
    ]
  })
}

resource "aws_iam_group" "video" {
  name = "video"
}

resource "aws_iam_group_policy_attachment" "video" {
  group      = aws_iam_group.video.name
  policy_arn = "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"
}

resource "aws_iam_user_group_membership" "ci" {
  user   = aws_iam_user.ci.name
  groups = [aws_iam_group.video.name]
}

resource "aws_iam_role" "worker" {
  for_each           = toset(["encode", "probe"])
  name_prefix        = "worker-${each.key}-"
  assume_role_policy = "{}"
}

resource "aws_iam_role_policy_attachment" "worker" {
  for_each   = aws_iam_role.worker
  role       = aws_iam_role.worker[each.key].name
  policy_arn = aws_iam_policy.caller.arn
}
