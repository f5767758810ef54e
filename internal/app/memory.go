package app

import (
	"runtime/debug"
	"strconv"
)

// memoryShare is the part of the function's memory, in percent, that Go may use before it collects
// garbage more often. The rest is for the binary and for what the runtime does not count.
const memoryShare = 85

// LimitMemory sets the memory limit of the Go runtime from the memory of the function, so that a
// large audit becomes slower instead of being killed. An explicit GOMEMLIMIT wins. Outside of
// Lambda it does nothing.
// https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html#configuration-envvars-runtime
func LimitMemory(getenv func(string) string) {
	mb, err := strconv.ParseInt(getenv("AWS_LAMBDA_FUNCTION_MEMORY_SIZE"), 10, 32)
	if err != nil || mb <= 0 || getenv("GOMEMLIMIT") != "" {
		return
	}
	debug.SetMemoryLimit(mb << 20 / 100 * memoryShare)
}
