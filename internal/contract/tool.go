package contract

// ToolName is the name of the command in the documents that it writes.
const ToolName = "remotion-audit"

// Project is the address of the project.
const Project = "https://github.com/remotion-audit/remotion-audit"

// Tool identifies the program that wrote a document.
type Tool struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	// Commit is the commit of the build, with -dirty if files had changes; empty if it is unknown.
	Commit string `json:"commit,omitempty"`
}
