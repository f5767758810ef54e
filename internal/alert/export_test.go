package alert

// Names that tests in package alert_test use.
const (
	MaxMuteErrors = maxMuteErrors
	MaxNotices    = maxNotices
	MutesFile     = mutesFile
)

// RenamedError gives tests access to renamedError.
var RenamedError = renamedError
