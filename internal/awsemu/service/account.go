package service

// The defaults of an account and of a request.
const (
	DefaultAccount   = "123456789012"
	DefaultPartition = "aws"
	DefaultRegion    = "us-east-1"
)

// An Account identifies the account of a server. All its services share one Account.
type Account struct {
	ID        string
	Partition string
	// Region is the region of topics, functions and buckets without a region.
	Region string

	made int
}

// Next returns a number that makes an id unique: 1, then 2 and so on.
func (a *Account) Next() int {
	a.made++
	return a.made
}
