package needs

// A resourcePair is the resource of a requirement: a pattern for all needed resources, and a sample
// that matches the pattern.
type resourcePair struct{ sample, pattern string }

// singleResource returns a resource with a known ARN or name, which is both sample and pattern.
func singleResource(name string) []resourcePair { return []resourcePair{{name, name}} }
