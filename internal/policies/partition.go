package policies

import (
	"fmt"
	"slices"

	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

// The AWS partitions that Remotion Lambda supports.
const (
	AWS   = "aws"
	China = "aws-cn"
)

// Partitions lists the partitions that Remotion Lambda supports.
func Partitions() []string { return []string{AWS, China} }

// ValidatePartition returns an error for a partition that Remotion Lambda does not support.
func ValidatePartition(partition string) error {
	if slices.Contains(Partitions(), partition) {
		return nil
	}
	also := ""
	if partition == "aws-us-gov" {
		also = " (GovCloud)"
	}
	return fmt.Errorf("partition %s%s is not supported by Remotion: use %s", clip(partition), also,
		textfmt.Or(Partitions()))
}

// Regions lists the regions of a partition that Remotion Lambda supports, as of 4.0.527. It is
// empty for a partition that Remotion Lambda does not support.
// https://www.remotion.dev/docs/lambda/region-selection
func Regions(partition string) []string {
	switch partition {
	case AWS:
		return []string{
			"us-east-1", "us-east-2", "us-west-1", "us-west-2", "af-south-1", "ap-east-1", "ap-northeast-1",
			"ap-northeast-2",
			"ap-northeast-3", "ap-south-1", "ap-southeast-1", "ap-southeast-2", "ap-southeast-4",
			"ap-southeast-5", "ca-central-1",
			"eu-central-1", "eu-central-2", "eu-north-1", "eu-south-1", "eu-west-1", "eu-west-2",
			"eu-west-3", "sa-east-1",
		}
	case China:
		return []string{"cn-north-1", "cn-northwest-1"}
	}
	return nil
}

// clip quotes text from outside for an error, and truncates it to 60 bytes.
func clip(s string) string { return textfmt.Quote(s, 60) }
