variable "bucket_arn" {
  type = string
}

resource "aws_iam_role" "render" {
  name               = "remotion-lambda-role"
  assume_role_policy = "{}"
}

resource "aws_iam_role_policy" "render" {
  name   = "render"
  role   = aws_iam_role.render.id
  policy = data.aws_iam_policy_document.render.json
}
